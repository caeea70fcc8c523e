"""Sends an SMS by Aliyun or Tencent Cloud: each request signed as that provider asks, each answer read for whether it was taken.

Both send only templates that they have approved. Our words go in as one parameter of one template; the title is the template's own business.
Neither knows a message again: the key of the message goes along (`OutId`, `SessionContext`) and comes back in their reports, but who is sent the same
twice gets it twice.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from shouban.core.errors import OperatorError
from shouban.duties.codes import CODE_DIGITS
from shouban.duties.loading import loaded
from shouban.settings import ADDRESSES, SmsAccount

if TYPE_CHECKING:
    from shouban.duties.channels import Message

WITHIN_SECONDS: Final = 10
ALIYUN_SCHEME: Final = "ACS3-HMAC-SHA256"
TENCENT_SCHEME: Final = "TC3-HMAC-SHA256"
TENCENT_TYPE: Final = "application/json; charset=utf-8"
# Both forbid links in parameters, and refuse them by these codes.
LINK_REFUSED: Final = frozenset(
    {"isv.PARAM_NOT_SUPPORT_URL", "isv.TEMPLATE_PARAMS_ILLEGAL", "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"}
)  # fmt: skip
# What a shorter text must not lose: a link, or the code that somebody waits for.
KEPT: Final = re.compile(rf"https?://[^\s，。；）]+|(?<![0-9])[0-9]{{{CODE_DIGITS}}}(?![0-9])")
# A provider's code is shown; what could be a number or somebody's words in its place is not.
CODE: Final = re.compile(r"(?!.*[0-9]{4})[A-Za-z][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, repr=False)
class Request:
    """A signed `POST`. It has no repr: it holds somebody's number and what is said to them."""

    url: str
    headers: Mapping[str, str]
    body: bytes = b""


def aliyun_authorization(
    key_id: str, secret: str, *, query: Mapping[str, str], headers: Mapping[str, str], path: str = "/"
) -> str:
    """The header `Authorization` of a `POST`, over all of these headers, one of which is the body's digest.

    Alibaba Cloud, "Request syntax and signature method V3", https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature.
    """
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = "\n".join(["POST", path, aliyun_query(query), lines, names, headers["x-acs-content-sha256"]])
    signature = _hmac(secret.encode(), f"{ALIYUN_SCHEME}\n{_digest(canonical.encode())}").hex()
    return f"{ALIYUN_SCHEME} Credential={key_id},SignedHeaders={names},Signature={signature}"


def aliyun_query(query: Mapping[str, str]) -> str:
    """By name, all but letters, digits and `-_.~` percent-encoded (RFC 3986): what is signed is what is sent."""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query.items()))


def tencent_authorization(key_id: str, secret: str, *, service: str, host: str, at: int, body: bytes) -> str:
    """The header `Authorization` of a `POST` of JSON, over its body, type and host; the day is that of UTC.

    Tencent Cloud, "Signature v3", https://tencentcloud.com/document/api/614/42761.
    """
    names = "content-type;host"
    canonical = "\n".join(["POST", "/", "", f"content-type:{TENCENT_TYPE}\nhost:{host}\n", names, _digest(body)])
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    scope = f"{day}/{service}/tc3_request"
    key = _hmac(_hmac(_hmac(f"TC3{secret}".encode(), day), service), "tc3_request")
    signature = _hmac(key, f"{TENCENT_SCHEME}\n{at}\n{scope}\n{_digest(canonical.encode())}").hex()
    return f"{TENCENT_SCHEME} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"


def aliyun_request(account: SmsAccount, number: str, key: str, text: str, at: datetime) -> Request:
    """`SendSms` of 2017-05-25, its parameters in the query: https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms."""
    options = account.options
    query = {
        # Without `+`: of the mainland it may stand there, of other countries it must not.
        "PhoneNumbers": plain(number).lstrip("+"), "SignName": options["sign"], "TemplateCode": options["template"],
        "TemplateParam": json.dumps({options["param"]: text}), "OutId": key,
    }  # fmt: skip
    signed = {
        "host": account.host, "x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": secrets.token_hex(16), "x-acs-content-sha256": _digest(b""),
    }  # fmt: skip
    authorization = aliyun_authorization(account.key_id, account.secret, query=query, headers=signed)
    headers = {**signed, "accept": "application/json", "authorization": authorization}
    return Request(f"{account.url}?{aliyun_query(query)}", headers)


def tencent_request(account: SmsAccount, number: str, key: str, text: str, at: datetime) -> Request:
    """`SendSms` of 2021-01-11: https://tencentcloud.com/document/product/382/40536."""
    options, second = account.options, int(at.timestamp())
    document = {
        "PhoneNumberSet": [plain(number)], "SmsSdkAppId": options["app"], "SignName": options["sign"],
        "TemplateId": options["template"], "TemplateParamSet": [text], "SessionContext": key,
    }  # fmt: skip
    body = json.dumps(document).encode()
    headers = {
        "host": account.host, "content-type": TENCENT_TYPE, "x-tc-action": "SendSms", "x-tc-version": "2021-01-11",
        "x-tc-timestamp": str(second), "x-tc-region": options["region"],
        "authorization": tencent_authorization(account.key_id, account.secret, service="sms", host=account.host, at=second, body=body),
    }  # fmt: skip
    return Request(account.url, headers, body)


def plain(number: str) -> str:
    """As people write a number, without what they put between the digits."""
    return re.sub("[ -]", "", number)


def fitted(message: Message, length: int, *, with_links: bool = True) -> str:
    """What is said, in so many characters: the beginning, then the links and codes of all of it.

    A link that only helps (those in `more`, such as a receipt) is left out where it would take half of the place or more. Any other is what the message
    is for: where it does not fit, `OperatorError`.
    """
    text = message.text if with_links else _without_help(message)
    if len(text) <= length:
        return text
    kept = " ".join(KEPT.findall(text))
    if with_links and len(kept) * 2 >= length:
        return fitted(message, length, with_links=False)
    room = length - 1 - len(kept)
    if room < 0:
        raise OperatorError(f"the link does not fit into {length} characters: set `length` of `sms`, or another `sms`")
    return f"{KEPT.sub('', text)[:room]}…{kept}"


def _without_help(message: Message) -> str:
    text = message.text
    for link in message.more.values():
        if link.startswith(ADDRESSES):
            text = re.sub(rf"[:：]?\s*{re.escape(link)}", "", text)
    return text


class _AliyunAnswer(msgspec.Struct, rename="pascal"):
    code: str


class _TencentCode(msgspec.Struct, rename="pascal"):
    code: str


class _TencentSaid(msgspec.Struct, rename="pascal"):
    send_status_set: list[_TencentCode] = []
    error: _TencentCode | None = None


class _TencentAnswer(msgspec.Struct, rename="pascal"):
    response: _TencentSaid


def aliyun_refusal(answer: bytes) -> str | None:
    """`None` where the message was taken, else the provider's code. Raises `ValueError` where the answer says neither."""
    code = msgspec.json.decode(answer, type=_AliyunAnswer).code
    return None if code == "OK" else code


def tencent_refusal(answer: bytes) -> str | None:
    """As `aliyun_refusal`. One status for each number; none at all is no success."""
    said = msgspec.json.decode(answer, type=_TencentAnswer).response
    codes = [said.error.code] if said.error else [one.code for one in said.send_status_set] or ["none"]
    return next((code for code in codes if code != "Ok"), None)


@dataclass(frozen=True)
class Provider:
    request: Callable[[SmsAccount, str, str, str, datetime], Request]
    refusal: Callable[[bytes], str | None]


PROVIDERS: Final = {
    "aliyun": Provider(aliyun_request, aliyun_refusal),
    "tencent": Provider(tencent_request, tencent_refusal),
}


async def send_sms(account: SmsAccount, number: str, message: Message, *, within: float = WITHIN_SECONDS) -> str:
    """Hands the message over; gives how. Raises `OperatorError` with the provider's code, and without number, words or secret."""
    text = fitted(message, account.length)
    code = await _asked(account, number, message.key, text, within)
    shorter = fitted(message, account.length, with_links=False) if code in LINK_REFUSED else text
    if shorter != text:
        # Refused is not sent: who must know it in time is better told without the link than not at all.
        code = await _asked(account, number, message.key, shorter, within)
    if code is not None:
        shown = f"`{code}`" if CODE.fullmatch(code) else "a code of no known form"
        raise OperatorError(f"{account.provider} did not take the message: {shown}")
    return f"{account.provider} took it"


async def _asked(account: SmsAccount, number: str, key: str, text: str, within: float) -> str | None:
    """The provider's code of refusal, `None` where it has taken the message."""
    provider = PROVIDERS[account.provider]
    found = await _answered(provider.request(account, number, key, text, datetime.now(UTC)), within)
    if isinstance(found, str):
        raise OperatorError(f"{account.provider} {found}")
    status, answer = found
    try:
        code = provider.refusal(answer)
        is_clear = code is not None or status == 200
    except (ValueError, RecursionError):
        code, is_clear = None, False
    if not is_clear:
        raise OperatorError(f"{account.provider} answered {status} and nothing that says whether it was taken")
    return code


async def _answered(request: Request, within: float) -> tuple[int, bytes] | str:
    """Status and body, or why there is none: in words, not in an exception, whose text may hold the URL and with it the number."""
    await loaded("aiohttp")
    import aiohttp  # noqa: PLC0415  # as in `channels`: for who uses it
    from yarl import URL  # noqa: PLC0415  # comes with it

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within)) as client,
            # No header but what is signed, or known not to be: a content type of the client's own would be neither.
            client.post(
                URL(request.url, encoded=True),
                data=request.body or None,
                headers=request.headers,
                skip_auto_headers=("content-type",),
                allow_redirects=False,
            ) as answer,
        ):
            return answer.status, await answer.read()
    except TimeoutError:
        return "did not answer"
    except (aiohttp.ClientError, OSError, ValueError):
        return "cannot be reached"


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _hmac(key: bytes, said: str) -> bytes:
    return hmac.digest(key, said.encode(), "sha256")
