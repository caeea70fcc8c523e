"""Sign-in by OpenID Connect, tried against a real local provider over HTTP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from tests.gateway.serving import Served, serving, settings_for
from tests.web.directory import come_back, directory
from tests.web.signing import browser, now_of, run, sign_ins_of

from shouban.core.errors import CallerError, OperatorError
from shouban.settings import Settings
from shouban.web.oidc import Oidc

BACK = "/sign-in/oidc/back"


def begun(served: Served, client: httpx.Client, wish: str = "/office") -> str:
    answer = client.get(f"/sign-in/oidc?next={wish}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def settings(tmp_path: Path, issuer: str, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "oidc_issuer": issuer,
        "oidc_client": "shouban",
        "oidc_secret": "s",
        "public_url": "http://shouban.test",
        "encoder": False,
        **more,
    }
    return settings_for(tmp_path, **given)


def test_staff_of_the_organisation_come_in_with_the_roles_it_names(tmp_path: Path) -> None:
    with (
        directory(name="李护士", email="li@example.org", shouban_roles=["care", "king"]) as issuer,
        serving(settings(tmp_path, issuer)) as served,
    ):
        client = browser(served)
        assert "/sign-in/oidc" in client.get("/sign-in").text
        back = come_back(begun(served, client))
        answer = client.get(f"{BACK}?{back.query.decode()}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/office")
        assert client.get("/office").status_code == 200
        assert list(run(sign_ins_of(served).names("default")).values())[-1] == "李护士", "no subject is anybody's name"
        assert client.get("/office/people?id=nobody").status_code == 404  # a role that may find people
        assert client.get("/office/accounts").status_code == 403
        again = client.get(f"{BACK}?{back.query.decode()}")
        assert again.status_code == 401, "an answer was taken twice"


def test_who_has_no_role_any_more_is_out(tmp_path: Path) -> None:
    with directory(shouban_roles="care") as issuer, serving(settings(tmp_path, issuer)) as served:
        client = browser(served)
        client.get(f"{BACK}?{come_back(begun(served, client)).query.decode()}")
        assert client.get("/office").status_code == 200
        sign_ins = sign_ins_of(served)
        oidc = Oidc(issuer, "shouban", "s", "http://shouban.test/back")
        shown = oidc._shown({"sub": "w-1", "shouban_roles": []})
        with pytest.raises(CallerError) as refused:
            run(oidc.account_of(sign_ins, "default", shown, now_of(served)))
        assert refused.value.status == 403
        assert client.get("/office").status_code == 303


def test_where_codes_are_required_the_directorys_own_second_factor_counts(tmp_path: Path) -> None:
    for amr, expected in ((["pwd", "mfa"], 200), (["pwd"], 303)):
        with (
            directory(shouban_roles="care", amr=amr) as issuer,
            serving(settings(tmp_path / amr[-1], issuer, second_factor="required")) as served,
        ):
            client = browser(served)
            client.get(f"{BACK}?{come_back(begun(served, client)).query.decode()}")
            assert client.get("/office").status_code == expected


def test_an_answer_that_was_not_asked_for_is_refused(tmp_path: Path) -> None:
    with directory(shouban_roles="care") as issuer, serving(settings(tmp_path, issuer)) as served:
        client = browser(served)
        back = come_back(begun(served, client))
        for query in ("", "code=x&state=y", f"code=wrong&state={back.params['state']}", "error=access_denied&state=z"):
            assert client.get(f"{BACK}?{query}").status_code == 401, query
        assert client.get("/office").status_code == 303


def test_a_directory_that_does_not_answer_is_named_and_nobody_comes_in(tmp_path: Path) -> None:
    with serving(settings(tmp_path, "http://127.0.0.1:9")) as served:
        answer = browser(served).get("/sign-in/oidc", headers={"accept": "application/json"})
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["error"]["message"]


def test_a_directory_that_says_it_is_another_is_not_believed() -> None:
    """Behind another's address stands one that signs in whom it likes (RFC 8414 §3.3)."""
    with directory() as issuer, pytest.raises(OperatorError, match="says it is"):
        run(Oidc(f"{issuer}/.", "shouban", "s", "http://shouban.test/back").begin("/"))


NOW = int(time.time())
GOOD = {"iss": "http://idp.test", "aud": "shouban", "sub": "w", "nonce": "n", "exp": NOW + 60, "iat": NOW}


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "http://evil.test"}, {"aud": "other"}, {"aud": ["other"]}, {"nonce": "m"}, {"exp": NOW - 3600}, {"iat": NOW + 3600}, {"sub": ""}, {},
    ],
)  # fmt: skip
def test_every_claim_must_hold(wrong: dict[str, object]) -> None:
    key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
    oidc = Oidc("http://idp.test", "shouban", "s", "http://shouban.test/back")
    oidc._about = {"jwks_uri": "http://127.0.0.1:9/"}
    oidc._keys = KeySet([key])
    token = jwt.encode({"alg": "RS256", "kid": "1"}, {**GOOD, **wrong}, key)
    if not wrong:
        assert run(oidc._claims(token, "n", NOW))["sub"] == "w"
        return
    with pytest.raises(CallerError) as refused:
        run(oidc._claims(token, "n", NOW))
    assert refused.value.status == 401


@pytest.mark.parametrize("forged", ["", "not.a.token", "none"])
def test_an_unsigned_or_forged_token_is_refused(forged: str) -> None:
    with directory() as issuer:
        oidc = Oidc(issuer, "shouban", "s", "http://shouban.test/back")
        if forged == "none":
            other = RSAKey.generate_key(2048, {"kid": "1"})
            forged = jwt.encode({"alg": "RS256", "kid": "1"}, GOOD, other)
        with pytest.raises(CallerError) as refused:
            run(oidc._claims(forged, "n", NOW))
        assert refused.value.status == 401
