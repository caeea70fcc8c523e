from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from shouban.offices.guardians.alerting import own_addresses


def test_where_nothing_is_chosen_the_registration_holds() -> None:
    """The rest is tried over HTTP in `test_alert_pages`."""
    child: Any = SimpleNamespace(profile={"contacts": [{"id": "m", "channels": ["tel:1", "mailto:a@b"]}]})
    assert own_addresses(child, "m") == ["tel:1", "mailto:a@b"]
    assert own_addresses(child, "other") == []
