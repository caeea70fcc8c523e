"""The doors of every page: a route says in `opt` what it does (`action`) or that anybody may (`open`); what says neither is shut.

A guard signs in the cookie, asks the policies (`access`), and refuses what was sent from another site: a browser says where a
request comes from (`Sec-Fetch-Site`, `Origin`), and cookies are `SameSite=Lax` besides (OWASP, CSRF Prevention Cheat Sheet).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from litestar import MediaType, Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect

from shouban.core.errors import CallerError, ShoubanError
from shouban.web.access import OF_PERSON, Action, Subject, require
from shouban.web.sessions import SignedIn, SignIns

COOKIE: Final = "shouban_sign_in"
SIGN_IN: Final = "/sign-in"
# What lies here has a lock of its own: the service key.
KEYED: Final = "/v1/"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY: Final = "signed_in"

Connection = ASGIConnection[Any, Any, Any, Any]
# Whose data the route is about: of the asker's service, by the id in the path (`{person}`), or nobody.
SubjectOf = Callable[[SignedIn, str], Awaitable[Subject | None]]


class SignedOutError(ShoubanError):
    """Nobody is signed in, or not with all factors: a page sends them to the sign-in, and back."""

    def __init__(self, *, needs_code: bool = False) -> None:
        super().__init__("sign in first")
        self.needs_code = needs_code


class Doors:
    """See the module. `now` is the time by the request (a virtual clock has it in a header)."""

    def __init__(self, sign_ins: SignIns, subject_of: SubjectOf, now: Callable[[str | None], datetime]) -> None:
        self._sign_ins = sign_ins
        self._subject_of = subject_of
        self._now = now

    async def guard(self, connection: Connection, handler: BaseRouteHandler) -> None:
        action = handler.opt.get("action")
        if handler.opt.get("open") or connection.scope["path"].startswith(KEYED):
            return
        if action is None:
            raise CallerError("nobody may open this", status=404, code="not_found")
        refuse_other_sites(connection)
        signed_in = await self.signed_in(connection)
        if signed_in is None:
            raise SignedOutError
        if signed_in.needs_code and not handler.opt.get("half"):
            raise SignedOutError(needs_code=True)
        connection.scope["state"][_KEY] = signed_in
        await self._ask(cast("Action", action), signed_in, connection)

    async def signed_in(self, connection: Connection) -> SignedIn | None:
        token = connection.cookies.get(COOKIE, "")
        return await self._sign_ins.signed_in(token, self._now(connection.headers.get("x-shouban-at")))

    async def _ask(self, action: Action, signed_in: SignedIn, connection: Connection) -> None:
        if action not in OF_PERSON:
            require(signed_in.who, action)
            return
        person = str(connection.path_params.get("person") or signed_in.who.person)
        subject = await self._subject_of(signed_in, person) if person else None
        if subject is None:  # who may not know of a person is not told whether there is one
            raise CallerError("your role does not allow this", status=403, code="not_allowed")
        require(signed_in.who, action, subject)


def whose(request: Request[Any, Any, Any]) -> SignedIn:
    """Who the guard has let in."""
    found: SignedIn = request.scope["state"][_KEY]
    return found


def refuse_other_sites(connection: Connection) -> None:
    """What changes something must come from a page of ours."""
    if connection.scope.get("method", "GET") in _SAFE:
        return
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    ours = connection.headers.get("host", "")
    if site in {"same-origin", "none"} or (site is None and origin is not None and urlsplit(origin).netloc == ours):
        return
    raise CallerError("this came from another site; open the page itself and try again", status=403, code="other_site")


def cookie_of(token: str, request: Request[Any, Any, Any], *, production: bool) -> Cookie:
    """The sign-in's cookie, for as long as the browser is open; an empty token takes it away."""
    secure = production or request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    ends = {} if token else {"max_age": 0}
    return Cookie(key=COOKIE, value=token, path="/", httponly=True, samesite="lax", secure=secure, **ends)  # type: ignore[arg-type]  # one key


def to_sign_in(request: Request[Any, Any, Any], error: SignedOutError) -> Response[Any]:
    """A page is shown after signing in; a script is told."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        place = f"{SIGN_IN}/code" if error.needs_code else SIGN_IN
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Redirect(f"{place}?next={quote(back, safe='')}", status_code=303)
    body = {"message": str(error), "type": "authentication_error", "code": "signed_out", "param": None}
    return Response({"error": body}, status_code=401, media_type=MediaType.JSON)


def way_back(wish: str | None, otherwise: str) -> str:
    """A path of our own to go on to: never another site (CWE-601)."""
    if not wish or not wish.startswith("/") or wish.startswith(("//", "/\\")) or any(ord(char) < 32 for char in wish):
        return otherwise
    return wish
