"""Signing in and out: name and password, a one-time code, or the provider's own sign-in by OpenID Connect (`oidc.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import pyotp
import segno
from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.web.devices import DEVICE_COOKIE
from shouban.web.doors import COOKIE, SIGN_IN, Doors, cookie_of, refuse_other_sites, way_back
from shouban.web.language import LANGUAGE_COOKIE, Language, Text, chosen_language, words_in
from shouban.web.pages import rendered
from shouban.web.sessions import SignedIn, SignIns
from shouban.web.throttle import Throttle

if TYPE_CHECKING:
    from shouban.web.oidc import Oidc

AnyRequest = Request[Any, Any, Any]
HOME: Final = "/home"
STATE_COOKIE: Final = "shouban_directory"
STATE_SECONDS: Final = 600
DEVICE_SECONDS: Final = 365 * 24 * 3600
_BY_ADDRESS: Final = 20

WORDS: Final = {
    "title": Text("登录 · 守伴", "Sign in · Shouban"),
    "heading": Text("登录", "Sign in"),
    "name": Text("账号", "Name"),
    "password": Text("密码", "Password"),
    "enter": Text("登录", "Sign in"),
    "oidc": Text("用单位账号登录", "Sign in with your organisation"),
    "code_heading": Text("输入动态验证码", "Type the one-time code"),
    "code_about": Text("打开手机上的验证器，输入守伴的 6 位数字。", "Open the authenticator on your phone and type Shouban's six digits."),
    "code": Text("验证码", "Code"),
    "confirm": Text("确认", "Confirm"),
    "setup_heading": Text("先设置动态验证码", "Set up one-time codes first"),
    "setup_about": Text(
        "工作人员看到的是别人的私密状况，所以只凭密码不够。用任意验证器扫码，再输入它显示的 6 位数字。",
        "Staff see what is private to others, so a password alone is not enough. Scan with any authenticator, then type its six digits.",
    ),
    "secret": Text("不能扫码时手动输入", "If you cannot scan, type this"),
    "out": Text("退出登录", "Sign out"),
    "language": Text("English", "中文"),
    "wrong": Text("账号或密码不对。", "The name or the password is wrong."),
    "wrong_code": Text("验证码不对或已经用过，请等下一个。", "The code is wrong or was used already; wait for the next one."),
    "too_many": Text("试错太多次，请稍后再试。", "Too many wrong tries; try again later."),
    "help": Text(
        "应用的用户没有密码，请从应用里重新打开“我的数据”。监护人忘了密码，请让孩子的应用重新发一次邀请，用新的账号名接受。工作人员忘了密码，请找管理员。",
        "People of the app have no password: open “My data” from the app again. A guardian who forgot theirs asks for another invitation from the child's app, and accepts it with a new name. Staff ask the administrator.",
    ),
}  # fmt: skip
_TOLD: Final = {"wrong_password": "wrong", "wrong_code": "wrong_code", "too_many_tries": "too_many"}


class Entering(msgspec.Struct):
    name: str
    password: str
    service: str = ""
    next: str = ""


class Confirming(msgspec.Struct):
    code: str
    next: str = ""


Form = Body(media_type=RequestEncodingType.URL_ENCODED)


class SignInPages:
    """The pages; `services` are the ids one can sign in to, the first where none is named."""

    def __init__(
        self, sign_ins: SignIns, doors: Doors, services: Sequence[str], now: Callable[[str | None], datetime], *, production: bool, oidc: Oidc | None
    ) -> None:  # fmt: skip
        self._sign_ins = sign_ins
        self._doors = doors
        self._services = tuple(services)
        self._now = now
        self._production = production
        self._oidc = oidc
        self._throttle = Throttle(_BY_ADDRESS, per_seconds=60)

    def router(self) -> Router:
        handlers = [*self._entering(), *self._codes(), *self._leaving()]
        if self._oidc is not None:
            handlers += self._organisation(self._oidc)
        return Router(path="/", route_handlers=handlers, include_in_schema=False)

    def _entering(self) -> list[Any]:
        @get(SIGN_IN, opt={"open": True})
        async def page(request: AnyRequest) -> Response[str]:
            return self._page(request, "sign_in.html")

        @post(SIGN_IN, opt={"open": True}, status_code=200)
        async def enter(request: AnyRequest, data: Annotated[Entering, Form]) -> Response[Any]:
            refuse_other_sites(request)
            service = data.service if data.service in self._services else self._services[0]
            try:
                self._throttle.count(request.client.host if request.client else "")
                known = request.cookies.get(DEVICE_COOKIE, "")
                token = await self._sign_ins.enter(service, data.name, data.password, self._time(request), device=known)
            except CallerError as error:
                return self._page(request, "sign_in.html", problem=error, name=data.name, back=data.next)
            return self._let_in(request, token, data.next, self._device(service, data.name))

        return [page, enter]

    def _codes(self) -> list[Any]:
        @get(f"{SIGN_IN}/code", opt={"open": True})
        async def page(request: AnyRequest) -> Response[Any]:
            signed_in = await self._doors.signed_in(request)
            if signed_in is None or not signed_in.who.account:
                return Redirect(SIGN_IN, status_code=303)
            return self._code_page(request, signed_in)

        @post(f"{SIGN_IN}/code", opt={"open": True}, status_code=200)
        async def confirm(request: AnyRequest, data: Annotated[Confirming, Form]) -> Response[Any]:
            refuse_other_sites(request)
            signed_in = await self._doors.signed_in(request)
            if signed_in is None or not signed_in.who.account:
                return Redirect(SIGN_IN, status_code=303)
            token = request.cookies.get(COOKIE, "")
            try:
                self._throttle.count(request.client.host if request.client else "")
                if signed_in.has_codes:
                    await self._sign_ins.confirm(token, data.code, self._time(request))
                else:
                    await self._sign_ins.set_codes(
                        token, self._sign_ins.secret_of(token), data.code, self._time(request)
                    )
            except CallerError as error:
                return self._code_page(request, signed_in, problem=error, back=data.next)
            return Redirect(way_back(data.next, HOME), status_code=303)

        return [page, confirm]

    def _leaving(self) -> list[Any]:
        @post("/sign-out", opt={"open": True}, status_code=200)
        async def leave(request: AnyRequest) -> Response[Any]:
            refuse_other_sites(request)
            await self._sign_ins.close(request.cookies.get(COOKIE, ""))
            return Redirect(SIGN_IN, status_code=303, cookies=[cookie_of("", request, production=self._production)])

        @get(HOME, opt={"open": True})
        async def home(request: AnyRequest) -> Response[Any]:
            signed_in = await self._doors.signed_in(request)
            return Redirect(home_of(signed_in), status_code=303)

        return [leave, home]

    def _organisation(self, oidc: Oidc) -> list[Any]:
        @get(f"{SIGN_IN}/oidc", opt={"open": True})
        async def start(request: AnyRequest, next: str = "") -> Response[Any]:  # noqa: A002  # the word in the address
            self._throttle.count(request.client.host if request.client else "")
            address, state = await oidc.begin(way_back(next, HOME))
            kept = Cookie(
                key=STATE_COOKIE,
                value=state,
                path=f"{SIGN_IN}/oidc",
                httponly=True,
                samesite="lax",
                secure=self._production,
                max_age=STATE_SECONDS,
            )
            return Redirect(address, status_code=303, cookies=[kept])

        @get(f"{SIGN_IN}/oidc/back", opt={"open": True})
        async def back(request: AnyRequest) -> Response[Any]:
            at = self._time(request)
            try:
                shown, wish = await oidc.end(dict(request.query_params), at, request.cookies.get(STATE_COOKIE, ""))
                account = await oidc.account_of(self._sign_ins, self._services[0], shown, at)
            except CallerError as error:
                return self._page(request, "sign_in.html", problem=error)
            token = await self._sign_ins.open(account, at, is_full=shown.is_full)
            return self._let_in(request, token, wish)

        return [start, back]

    def _let_in(self, request: AnyRequest, token: str, wish: str, *more: Cookie) -> Response[Any]:
        cookie = cookie_of(token, request, production=self._production)
        return Redirect(way_back(wish, HOME), status_code=303, cookies=[cookie, *more])

    def _device(self, service: str, name: str) -> Cookie:
        """What tells this browser from a stranger's the next time; sent to the sign-in only."""
        return Cookie(
            key=DEVICE_COOKIE, value=self._sign_ins.device_of(service, name), path=SIGN_IN, httponly=True, samesite="lax", secure=self._production,
            max_age=DEVICE_SECONDS,
        )  # fmt: skip

    def _code_page(
        self, request: AnyRequest, signed_in: SignedIn, *, problem: CallerError | None = None, back: str = ""
    ) -> Response[str]:
        if signed_in.has_codes:
            return self._page(request, "sign_in_code.html", problem=problem, back=back)
        secret = self._sign_ins.secret_of(request.cookies.get(COOKIE, ""))
        address = pyotp.TOTP(secret).provisioning_uri(name=signed_in.name, issuer_name="Shouban")
        picture = segno.make(address).svg_inline(scale=5, border=2, dark="#000", light="#fff", omitsize=True)
        groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        return self._page(request, "sign_in_setup.html", problem=problem, back=back, picture=picture, secret=groups)

    def _page(
        self, request: AnyRequest, template: str, *, problem: CallerError | None = None, **more: object
    ) -> Response[str]:
        language: Language = chosen_language(request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
        words = words_in(WORDS, language)
        told = words.get(_TOLD.get(problem.code, ""), str(problem)) if problem else ""
        given = {
            "back": request.query_params.get("next", ""),
            "name": "",
            "services": self._services,
            "oidc": self._oidc is not None,
        } | more
        return rendered(template, WORDS, language, problem=told, status=problem.status if problem else 200, **given)

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


def home_of(signed_in: SignedIn | None) -> str:
    """Where somebody begins."""
    if signed_in is None:
        return SIGN_IN
    if signed_in.needs_code:
        return f"{SIGN_IN}/code"
    if not signed_in.who.account:
        return "/me"
    return "/guardian" if signed_in.who.roles == frozenset({"guardian"}) else "/office"
