"""Sign-in with the provider's own directory: OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636) and state.

What the directory says of roles is taken only where it names roles of ours; an account is made at the first sign-in.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shouban.core.errors import CallerError, OperatorError
from shouban.web.roles import MOST_SHOWN, STAFF, Role, shown_name
from shouban.web.sessions import Account, Private, SignIns

WITHIN_SECONDS: Final = 10
# Whoever has not come back by then begins anew.
BACK_WITHIN: Final = 600.0
MOST_WAITING: Final = 10_000
LEEWAY: Final = 60
# What the directory has taken away it may give back; what an administrator has taken away it may not.
NO_ROLE: Final = "no_role"
_SILENT: Final = "the directory of your organisation does not answer; try again shortly"
ALGORITHMS: Final = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA"]
# What a directory says of how somebody was signed in (RFC 8176): any of these is more than a password.
_MORE_THAN_A_PASSWORD: Final = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "sc"})


@dataclass(frozen=True)
class Shown:
    """Who the directory says it is."""

    subject: str
    name: str
    address: str
    roles: frozenset[Role]
    is_full: bool


@dataclass(frozen=True)
class _Waiting:
    nonce: str
    verifier: str
    back: str
    until: float


class Oidc:
    """One directory. `claim` names the claim that holds roles; `redirect` is our own address `…/sign-in/oidc/back`."""

    def __init__(self, issuer: str, client: str, secret: str, redirect: str, *, claim: str = "shouban_roles") -> None:
        self._issuer = issuer.rstrip("/")
        self._client = client
        self._secret = secret
        self._redirect = redirect
        self._claim = claim
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._about: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._asking = asyncio.Lock()

    async def begin(self, back: str) -> tuple[str, str]:
        """The directory's address to go to, and the state, which the browser keeps: who comes back must be who went."""
        about = await self._metadata()
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        async with self._client_of() as client:
            address, state = client.create_authorization_url(
                about["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        self._waiting[state] = _Waiting(nonce, verifier, back, time.monotonic() + BACK_WITHIN)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)
        return str(address), str(state)

    async def end(self, answer: dict[str, str], at: datetime, kept: str) -> tuple[Shown, str]:
        """Who came back, and where they wanted to go; `kept` is the state in the browser. Raises `CallerError` (401) for whatever does not hold."""
        if not kept or not hmac.compare_digest(kept, answer.get("state", "")):
            raise _refused("this sign-in was not begun in this browser; begin again")
        waiting = self._waiting.pop(answer.get("state", ""), None)
        if waiting is None or waiting.until < time.monotonic():
            raise _refused("this sign-in was not begun here, or took too long; begin again")
        if "code" not in answer:
            raise _refused("your organisation did not sign you in")
        about = await self._metadata()
        try:
            async with self._client_of() as client:
                told = await client.fetch_token(
                    about["token_endpoint"], code=answer["code"], code_verifier=waiting.verifier
                )
        except OAuthError as error:
            raise _refused("your organisation did not sign you in") from error
        except (httpx.HTTPError, ValueError) as error:
            raise OperatorError(_SILENT) from error
        claims = await self._claims(str(told.get("id_token", "")), waiting.nonce, int(at.timestamp()))
        return self._shown(claims), waiting.back

    async def account_of(self, sign_ins: SignIns, service: str, shown: Shown, at: datetime) -> Account:
        """The account of this subject, with the roles that the directory names now; made at the first sign-in."""
        name = f"oidc:{shown.subject}"
        known = await sign_ins.named(service, name)
        if not shown.roles:
            if known is not None and known.state == "active":
                await sign_ins.change(known, at=at, by="oidc", state=NO_ROLE)
            raise CallerError(
                "your organisation gives you no role here; ask its administrator", status=403, code="no_role"
            )
        if known is not None and known.state not in {"active", NO_ROLE}:
            raise CallerError("your account is disabled here; ask an administrator", status=403, code="disabled")
        if known is None:
            private = Private(name, shown.address, shown=shown_name(shown.name[:MOST_SHOWN]))
            return await sign_ins.add(service, private, shown.roles, at=at, by="oidc")
        if known.roles != shown.roles or known.state != "active":
            return await sign_ins.change(known, at=at, by="oidc", roles=shown.roles, state="active")
        return known

    async def _claims(self, token: str, nonce: str, now: int) -> dict[str, Any]:
        """The ID token's claims, once signature, issuer, audience, times and nonce hold (OIDC Core §3.1.3.7)."""
        for fresh in (False, True):  # a key that we do not know may be a new one
            try:
                found = jwt.decode(token, await self._key_set(fresh=fresh), algorithms=ALGORITHMS)
                break
            except (JoseError, ValueError) as error:
                if fresh:
                    raise _refused("the answer of your organisation is not signed with its key") from error
        claims: dict[str, Any] = dict(found.claims)
        audience = claims.get("aud")
        is_ours = self._client in audience if isinstance(audience, list) else audience == self._client
        in_time = claims.get("exp", 0) + LEEWAY > now and claims.get("iat", 0) - LEEWAY < now
        if (
            str(claims.get("iss", "")).rstrip("/") != self._issuer
            or not is_ours
            or not in_time
            or claims.get("nonce") != nonce
            or not claims.get("sub")
        ):
            raise _refused("the answer of your organisation is not meant for this sign-in")
        return claims

    def _shown(self, claims: dict[str, Any]) -> Shown:
        said = claims.get(self._claim, [])
        named = said if isinstance(said, list) else str(said).replace(",", " ").split()
        ways = claims.get("amr", [])
        full = isinstance(ways, list) and not _MORE_THAN_A_PASSWORD.isdisjoint(map(str, ways))
        return Shown(
            str(claims["sub"]), str(claims.get("name") or claims.get("preferred_username") or claims["sub"]), str(claims.get("email", "")),
            frozenset(role for role in STAFF if role in named), full,
        )  # fmt: skip

    async def _metadata(self) -> dict[str, Any]:
        async with self._asking:
            if self._about is None:
                about = await self._read(f"{self._issuer}/.well-known/openid-configuration")
                if str(about.get("issuer", "")).rstrip("/") != self._issuer:
                    raise OperatorError(
                        f"`oidc_issuer` is `{self._issuer}` and the directory says it is `{about.get('issuer')}`"
                    )
                self._about = about
            return self._about

    async def _key_set(self, *, fresh: bool) -> KeySet:
        if self._keys is None or fresh:
            about = await self._metadata()
            self._keys = KeySet.import_key_set(await self._read(about["jwks_uri"]))  # type: ignore[arg-type]  # a JSON object
        return self._keys

    async def _read(self, url: str) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=WITHIN_SECONDS) as client:
                answer = await client.get(url)
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
                return found
        except (httpx.HTTPError, ValueError) as error:
            raise OperatorError(_SILENT) from error

    def _client_of(self) -> Any:  # noqa: ANN401  # authlib has no types
        return AsyncOAuth2Client(
            self._client, self._secret, redirect_uri=self._redirect, scope="openid profile email", code_challenge_method="S256", timeout=WITHIN_SECONDS
        )  # fmt: skip


def _refused(why: str) -> CallerError:
    return CallerError(why, status=401, code="not_signed_in")
