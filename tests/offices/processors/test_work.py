from __future__ import annotations

from pathlib import Path

from tests.gateway.serving import eventually, serving, settings_for
from tests.offices.processors.test_pages import FORM, officer


def test_what_one_process_approves_or_withdraws_holds_in_another_soon(tmp_path: Path, postgresql_url: str) -> None:
    settings = settings_for(tmp_path, database=postgresql_url, encoder=False, egress="approved")
    with serving(settings) as one, serving(settings) as other:
        assert other.app is not None
        known = other.app.gateway.processors
        client = officer(one)
        client.post("/office/processors", data=FORM)
        assert eventually(lambda: ("default", "model") in known)
        client.post("/office/processors/model/withdraw")
        assert eventually(lambda: ("default", "model") not in known)
