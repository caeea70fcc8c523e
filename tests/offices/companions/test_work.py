"""Declaring, reviewing and refreshing, without HTTP: what two processes decide holds in both."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.serving import KEY, eventually, fresh, noon, serving, settings_for
from tests.web.signing import enter, staff


def test_what_one_process_approves_another_serves_soon(tmp_path: Path, postgresql_url: str) -> None:
    settings = settings_for(tmp_path, database=postgresql_url, encoder=False, companions="approved")
    with serving(settings) as one, serving(settings) as other:
        companion = fresh("xiaohe")
        one.post("/v1/companions", {"id": companion, "relation": "friend"}, key=KEY, at=noon())
        assert one.app is not None
        assert other.app is not None
        assert eventually(lambda: ("default", companion) in other.app.gateway.personas)  # type: ignore[union-attr]  # asserted above
        assert not other.app.gateway.personas["default", companion].is_approved
        staff(one, "reviewer", "companion_reviewer")
        client = enter(one, "reviewer")
        page = client.get("/office/companions").text
        review = page.split("/office/companions/", 2)[-1].split('"', 1)[0]
        assert (
            client.post(f"/office/companions/{review}", data={"decision": "approved", "why": "看过设定"}).status_code
            == 303
        )
        assert eventually(lambda: other.app.gateway.personas["default", companion].is_approved)  # type: ignore[union-attr]  # likewise
