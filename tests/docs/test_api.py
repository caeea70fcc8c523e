"""`docs/api.md` describes the routes there are: no more, no fewer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.docs.reading import read
from tests.gateway.serving import serving

from shouban.settings import Settings

HEADING: Final = re.compile(r"^### `([A-Z]+) (\S+)`", re.MULTILINE)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Every route of the running service's own description."""
    folder: Path = tmp_path_factory.mktemp("api")
    with serving(Settings(data=str(folder), service_key="sk-test", admin_password="x")) as served:
        paths = httpx.get(f"{served.url}/openapi.json", trust_env=False).json()["paths"]
    return {(method.upper(), _plain(path)) for path, methods in paths.items() for method in methods}


def _plain(path: str) -> str:
    """The documents write `{id}` for the app's own id."""
    return path.replace("{app_id}", "{id}").replace("{path}", "{path…}")


def test_every_route_is_described(schema: set[tuple[str, str]]) -> None:
    assert set(HEADING.findall(read("docs/api.md"))) == schema


def test_every_event_that_is_pushed_is_described() -> None:
    text = read("docs/api.md")
    kinds = {
        "notice",
        "mode_changed",
        "session_ended",
        "taken_over",
        "staff_message",
        "handed_back",
        "controls_changed",
        "purchase_decided",
    }
    assert all(f"`{kind}`" in text for kind in kinds)
