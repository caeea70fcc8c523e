"""What the office does leaves its entry in the log: who looked, why, and that the glass was broken; and no reason stands there."""

from __future__ import annotations

import json
from pathlib import Path

from tests.gateway.serving import fresh, noon, serving, settings_for
from tests.web.signing import enter, staff

REASON = "家属来电说她留了信，确认今晚是否安全"


def test_every_look_is_an_entry_of_the_persons_own(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as served:
        user = fresh()
        served.register(user, at=noon())
        person = served.person_id(user)
        account = staff(served, "care", "care")
        client = enter(served, "care")
        client.get(f"/office/people/{person}")
        client.post(f"/office/people/{person}/glass", data={"reason": REASON, "minutes": "15"})
        client.get(f"/office/people/{person}/words")
        acted = [
            found
            for entry in served.entries()
            if (found := json.loads(entry))["entry"] == "acted" and found.get("person") == person
        ]
        looked = [
            (one["act"], one["facts"]["account"], one["facts"].get("what"))
            for one in acted
            if one["act"] in {"looked", "glass_broken"}
        ]
        assert looked == [
            ("looked", account.id, "record"),
            ("glass_broken", account.id, None),
            ("looked", account.id, "words"),
        ]
        assert REASON not in json.dumps(acted, ensure_ascii=False)
