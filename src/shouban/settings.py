"""The settings of a service: `shouban.toml`, each key also as `SHOUBAN_…` in the environment, flags above both."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from shouban.core.errors import OperatorError, did_you_mean
from shouban.core.signals import SIGNALS

PREFIX = "SHOUBAN_"
SECRETS = frozenset(
    {
        "service_key",
        "admin_password",
        "upstream_key",
        "judge_key",
        "master_key",
        "oidc_secret",
        "mail",
        "sms",
        "on_call",
        "complaints_desk",
        "identity_key",
    }
)
# `judge` is this word where the service's own model is to judge.
UPSTREAM_JUDGES = "upstream"
ADDRESSES = ("http://", "https://")
# The two SMS providers with signatures of their own, each as it is typed.
SMS_FORMS = {
    "aliyun": "aliyun://KEY_ID:SECRET@dysmsapi.aliyuncs.com/?sign=SIGN&template=SMS_NUMBER&param=NAME",
    "tencent": "tencent://SECRET_ID:SECRET_KEY@sms.tencentcloudapi.com/?app=NUMBER&sign=SIGN&template=NUMBER&region=ap-guangzhou",
}
_SMS_NEEDED = {
    "aliyun": {"sign": r"[^【】]+", "template": r"[A-Za-z0-9_]+", "param": r"[A-Za-z][A-Za-z0-9_]*"},
    "tencent": {"app": r"[0-9]+", "sign": r"[^【】]+", "template": r"[0-9]+", "region": r"[a-z0-9-]+"},
}
_SMS_FREE = {"length": r"[1-9][0-9]|[1-4][0-9][0-9]|500", "tls": "off"}
# How much one parameter of a template takes where `length` does not say. Aliyun: 35 characters (its error `isv.PARAM_LENGTH_LIMIT`). Tencent Cloud: an
# organisation's message may have 500 with signature and template (https://cloud.tencent.com/document/product/382/39023); the rest is left for those.
_SMS_LENGTH = {"aliyun": 35, "tencent": 400}
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ServiceSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One service behind this gateway: its key, its model, its companions, its law."""

    id: str
    key: str = ""
    upstream: str = "scripted"
    upstream_key: str = ""
    pack: str = "cn"
    delivery: Literal["inline", "aware"] = "inline"
    anonymous: bool = False
    unregistered: Literal["", "refuse", "strict", "adult"] = ""
    region: str = "cn"
    companions: Literal["any", "approved"] = "any"
    egress: Literal["configured", "approved"] = "configured"


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All settings. Times are seconds, sizes bytes."""

    host: str = "127.0.0.1"
    port: int = 8460
    data: str = "shouban-data"
    database: str = ""
    upstream: str = "scripted"
    upstream_key: str = ""
    pack: str = "cn"
    delivery: Literal["inline", "aware"] = "inline"
    production: bool = False
    clock: Literal["real", "virtual"] = "real"
    cipher: Literal["aes-256-gcm", "sm4-gcm"] = "aes-256-gcm"
    service_key: str = ""
    admin_password: str = ""
    anonymous: bool = False
    unregistered: Literal["", "refuse", "strict", "adult"] = ""
    companions: Literal["any", "approved"] = "any"
    egress: Literal["configured", "approved"] = "configured"
    companion_app: bool = True
    complaints_contact: str = ""
    complaints_desk: str = ""
    language: Literal["zh", "en"] = "zh"
    region: str = "cn"
    max_body: int = 2_000_000
    max_turns: int = 1_000
    max_streams: int = 2_000
    max_streams_per_user: int = 8
    connect_timeout: float = 5.0
    first_byte_timeout: float = 60.0
    idle_timeout: float = 60.0
    human_wait: float = 20.0
    judge: str = ""
    judge_key: str = ""
    judge_model: str = ""
    judge_deadline: float = 2.0
    judge_signals: str = "crisis,crisis_other,property_risk,minor_cue,kin_request,dependence"
    judge_cache_seconds: float = 600.0
    classifier: str = ""
    encoder: bool = True
    mail: str = ""
    sms: str = ""
    on_call: str = ""
    care_minutes: int = 120
    care_takeovers: int = 4
    identity_url: str = ""
    identity_key: str = ""
    second_factor: Literal["", "required", "optional"] = ""
    public_url: str = ""
    trusted_proxies: str = ""
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret: str = ""
    oidc_roles: str = "shouban_roles"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    services: list[ServiceSettings] = []

    def served(self) -> list[ServiceSettings]:
        """The services by configuration, or the one that the flat settings describe."""
        if self.services:
            return self.services
        return [
            ServiceSettings(
                id="default", key=self.service_key, upstream=self.upstream, upstream_key=self.upstream_key, pack=self.pack,
                delivery=self.delivery, anonymous=self.anonymous, unregistered=self.unregistered, region=self.region, companions=self.companions, egress=self.egress,
            )
        ]  # fmt: skip

    def judged(self) -> frozenset[str]:
        """The signals that a judge may be asked about."""
        return frozenset(one for part in self.judge_signals.split(",") if (one := part.strip()))

    def called(self) -> list[str]:
        """Addresses of whoever is on call, in the order of calling."""
        return _parts(self.on_call)

    def handlers(self) -> list[str]:
        """Addresses of whoever handles complaints."""
        return _parts(self.complaints_desk)

    @property
    def asks_codes(self) -> bool:
        """Whether staff act only after a one-time code: in production, unless it is said otherwise."""
        return self.second_factor == "required" or (self.production and self.second_factor != "optional")

    def unregistered_policy(self, service: ServiceSettings) -> Literal["refuse", "strict", "adult"]:
        """What becomes of an id never registered: refused in production mode, otherwise taken as an adult's."""
        return service.unregistered or self.unregistered or ("refuse" if self.production else "adult")


@dataclass(frozen=True, repr=False)
class SmsAccount:
    """An account with an SMS provider, as `sms` names it. It has no repr: it holds a secret."""

    provider: str
    key_id: str
    secret: str
    host: str
    options: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"{'http' if 'tls' in self.options else 'https'}://{self.host}/"

    @property
    def length(self) -> int:
        return int(self.options.get("length", _SMS_LENGTH[self.provider]))


def read_settings(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Defaults, then the file, then `SHOUBAN_…`, then flags that were given (not `None`)."""
    found: dict[str, Any] = _from_file(file) if file else {}
    found |= _from_environment(environment)
    found |= {key: value for key, value in flags.items() if value is not None}
    for key in found:
        if key not in Settings.__struct_fields__:
            raise OperatorError(f"there is no setting `{key}`{did_you_mean(key, Settings.__struct_fields__)}")
    try:
        settings = msgspec.convert(found, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise OperatorError(f"a setting does not fit: {error}") from error
    return _checked(settings)


def _checked(settings: Settings) -> Settings:
    if settings.production and settings.clock == "virtual":
        raise OperatorError("`clock = virtual` is for tests; production mode refuses it")
    if settings.care_minutes < 0 or settings.care_takeovers < 0:
        raise OperatorError("`care_minutes` and `care_takeovers` are numbers from 0; 0 is no limit")
    ids = [service.id for service in settings.served()]
    if len(set(ids)) != len(ids):
        raise OperatorError("two services have one id; give each `[[services]]` its own `id`")
    keys = [service.key for service in settings.served() if service.key]
    if len(set(keys)) != len(keys):
        raise OperatorError("two services have one key; give each `[[services]]` its own `key`")
    for service in settings.served():
        if service.upstream != "scripted" and not service.upstream.startswith(ADDRESSES):
            raise OperatorError(
                f"`upstream` of service `{service.id}` is `{service.upstream}`; write `http(s)://HOST/v1` or `scripted`"
            )
    _check_judge(settings)
    _check_directory(settings)
    sms_account(settings.sms)
    return settings


def _check_directory(settings: Settings) -> None:
    """Sign-in by a directory needs to know the directory, who we are to it, and where it sends people back."""
    if settings.public_url and not _is_address(settings.public_url):
        raise OperatorError(
            f"`public_url` is `{settings.public_url}`; write `https://HOST`, where people reach this service"
        )
    if not settings.oidc_issuer:
        return
    if not _is_address(settings.oidc_issuer):
        raise OperatorError(f"`oidc_issuer` is `{settings.oidc_issuer}`; write the directory's `https://HOST/…`")
    for name in ("oidc_client", "oidc_secret", "public_url"):
        if not getattr(settings, name):
            raise OperatorError(f"`oidc_issuer` is set and `{name}` is not")


def sms_account(sms: str) -> SmsAccount | None:
    """The account that `sms` names, `None` where it is a webhook or another's URL. What does not fit is told without a word of the URL: it holds a secret."""
    provider = sms.strip().partition(":")[0].lower()
    if provider not in SMS_FORMS:
        return None
    try:
        account = _read_account(provider, sms.strip())
    except ValueError:
        account = None
    # Told outside of `except`: Python's own error quotes the URL, and would stand beside ours in a traceback.
    if account is None:
        raise OperatorError(
            f"`sms` is no URL of `{provider}`; write `{SMS_FORMS[provider]}`, with what is not a letter or a digit in the secret percent-encoded"
        )
    _check_options(account)
    return account


def _read_account(provider: str, sms: str) -> SmsAccount | None:
    """What the URL says; `None` or a `ValueError` where it is not whole."""
    parts = urlsplit(sms)
    key_id, secret = (unquote(one or "", errors="strict") for one in (parts.username, parts.password))
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, errors="strict")
    host, port = parts.hostname or "", parts.port
    has_key = re.fullmatch(r"[A-Za-z0-9._-]+", key_id) and secret and secret.isascii()
    has_host = re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:]+", host) and port != 0 and parts.path in {"", "/"}
    if not has_key or not has_host or parts.fragment or len(dict(pairs)) != len(pairs):
        return None
    named = f"[{host}]" if ":" in host else host
    return SmsAccount(provider, key_id, secret, f"{named}:{port}" if port else named, dict(pairs))


def _check_options(account: SmsAccount) -> None:
    """An option's name may be a piece of a secret with `?` in it: it is not repeated either."""
    needed = _SMS_NEEDED[account.provider]
    known = needed | _SMS_FREE
    if strays := account.options.keys() - known.keys():
        near = did_you_mean(min(strays), known)
        raise OperatorError(f"`sms` has an option that is none of `{account.provider}`: {', '.join(known)}{near}")
    if missing := [name for name in needed if name not in account.options]:
        raise OperatorError(f"`sms` lacks `{'`, `'.join(missing)}`; write `{SMS_FORMS[account.provider]}`")
    for name, value in account.options.items():
        if not re.fullmatch(known[name], value) or not value.isprintable():
            raise OperatorError(
                f"`{name}` of `sms` does not fit; write `{SMS_FORMS[account.provider]}`, `sign` without 【】, `length` from 10 to 500, `tls=off` or nothing"
            )
    if "tls" in account.options and urlsplit(account.url).hostname not in LOOPBACK:
        raise OperatorError("`tls=off` of `sms` is for this machine only, `127.0.0.1`; leave it out")


def _check_judge(settings: Settings) -> None:
    """A judge that could never answer is refused at the start."""
    if not settings.judge_deadline > 0:
        raise OperatorError(f"`judge_deadline` is `{settings.judge_deadline:g}`; give seconds above 0")
    of_persons = [name for name, roles in SIGNALS.items() if "user" in roles]
    for name in sorted(settings.judged().difference(of_persons)):
        raise OperatorError(
            f"`judge_signals` names `{name}`, no signal of a person's words{did_you_mean(name, of_persons)}"
        )
    if settings.judge:
        _check_who_judges(settings)


def _check_who_judges(settings: Settings) -> None:
    if settings.judge != UPSTREAM_JUDGES and not _is_address(settings.judge):
        raise OperatorError(
            f"`judge` is `{settings.judge}`; write `http(s)://HOST/v1` (its key goes in `judge_key`), `{UPSTREAM_JUDGES}`, or nothing"
        )
    if not settings.judge_model:
        raise OperatorError("`judge` is set and `judge_model` is not; name the model that judges")
    if not settings.judged():
        raise OperatorError("`judge` is set and `judge_signals` is empty; name what it is asked about")
    for service in settings.served():
        if settings.judge == UPSTREAM_JUDGES and service.upstream == "scripted":
            raise OperatorError(
                f"`judge = {UPSTREAM_JUDGES}` asks the model of service `{service.id}`, which is `scripted` and cannot judge; "
                "name a real `upstream`, or another `judge`"
            )


def _is_address(url: str) -> bool:
    """Whether somebody could be reached there; who the caller is does not stand in an address."""
    try:
        parts = urlsplit(url)
        return url.startswith(ADDRESSES) and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        return False


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise OperatorError(f"there is no settings file `{file}`") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"`{file}` is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """`SHOUBAN_PORT=8460` sets `port`. The list of services stands in the file only."""
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.__struct_fields__ if name != "services"}
    return {name: environment[key] for key, name in known.items() if environment.get(key)}


def settings_table() -> list[tuple[str, str, str]]:
    """Every setting as (name, form, default), for `--help` and the docs."""
    hints = get_type_hints(Settings)
    defaults = Settings()
    rows = []
    for name in Settings.__struct_fields__:
        hint = hints[name]
        form = (
            " | ".join(str(one) or '""' for one in get_args(hint))
            if get_origin(hint) is Literal
            else getattr(hint, "__name__", str(hint))
        )
        rows.append((name, form, "" if name in SECRETS else str(getattr(defaults, name))))
    return rows


def _parts(addresses: str) -> list[str]:
    return [one for part in addresses.split(",") if (one := part.strip())]
