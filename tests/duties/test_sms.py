"""An SMS goes out signed as its provider demands: a server on this machine reckons each signature anew from the bytes it gets, and refuses a wrong one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import OperatorError
from shouban.duties.channels import Channels, Message
from shouban.duties.codes import new_code
from shouban.duties.sms import (
    Request,
    aliyun_authorization,
    aliyun_request,
    fitted,
    plain,
    send_sms,
    tencent_authorization,
    tencent_request,
)
from shouban.settings import SmsAccount, sms_account

KEY_ID, SECRET = "AKIDtest", "s3cret+/key"
NUMBER: Final = "+86 138-0000-0000"
LINK: Final = "https://care.shouban.test/guardian/alerts/0f9e"
MESSAGE: Final = Message("duty-1", "守伴安全提醒", "紧急：您关心的人现在可能有危险。", {"contact": "王芳"})
WITH_LINK: Final = Message(
    "duty-2", "守伴安全提醒", f"您关心的人现在可能需要您。\n看到了请点：{LINK}", {"answer": LINK, "contact": "王芳"}
)
PROVIDERS: Final = ("aliyun", "tencent")
BOTH: Final = pytest.mark.parametrize("provider", PROVIDERS)
OPTIONS: Final = {
    "aliyun": f"sign={quote('守伴')}&template=SMS_123&param=text",
    "tencent": f"app=1400006666&sign={quote('守伴')}&template=1110&region=ap-guangzhou",
}
UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
# What any answer of ours must not say of this service and of the people it speaks to.
UNSAID: Final = (
    SECRET,
    quote(SECRET, safe=""),
    "13800000000",
    "138-0000-0000",
    "您关心的人",
    quote("您关心的人"),
    "王芳",
)


def account(provider: str, host: str = "127.0.0.1", more: str = "") -> SmsAccount:
    found = sms_account(url(provider, host, more))
    assert found is not None
    return found


def url(provider: str, host: str = "127.0.0.1", more: str = "") -> str:
    return f"{provider}://{KEY_ID}:{quote(SECRET, safe='')}@{host}/?{OPTIONS[provider]}&tls=off{more}"


def sealed(key: bytes, said: str) -> bytes:
    return hmac.new(key, said.encode(), hashlib.sha256).digest()


def fields(authorization: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=([^,\s]+)", authorization))


def encoded(part: str) -> str:
    """As RFC 3986 has it, byte by byte, of what a server reads out of a query."""
    return "".join(chr(one) if chr(one) in UNRESERVED else f"%{one:02X}" for one in unquote(part).encode())


def aliyun_fault(target: str, headers: Mapping[str, str], body: bytes) -> str:
    """What Alibaba Cloud would refuse, reckoned from the request as it came. Nothing where all is well."""
    path, _, query = target.partition("?")
    given = fields(headers["authorization"])
    names = given["SignedHeaders"].split(";")
    needed = {"host", *(name for name in headers if name.startswith("x-acs-") or name == "content-type")}
    pairs = sorted("=".join(map(encoded, pair.split("="))) for pair in query.split("&"))
    canonical = f"POST\n{path}\n{'&'.join(pairs)}\n"
    canonical += "".join(f"{name}:{headers[name]}\n" for name in names) + f"\n{given['SignedHeaders']}\n"
    digest = hashlib.sha256(body).hexdigest()
    said = f"ACS3-HMAC-SHA256\n{hashlib.sha256((canonical + digest).encode()).hexdigest()}"
    away = abs(datetime.now(UTC) - datetime.fromisoformat(headers["x-acs-date"]))
    wrong = {
        "InvalidAccessKeyId.NotFound": given["Credential"] != KEY_ID,
        "InvalidTimeStamp.Expired": away > timedelta(minutes=15),
        "InvalidAction": (headers["x-acs-action"], headers["x-acs-version"]) != ("SendSms", "2017-05-25"),
        "IncompleteSignature": set(names) != needed or names != sorted(names),
        "InvalidContent": headers["x-acs-content-sha256"] != digest,
        "SignatureDoesNotMatch": sealed(SECRET.encode(), said).hex() != given["Signature"],
    }
    return next((code for code, is_so in wrong.items() if is_so), "")


def tencent_fault(target: str, headers: Mapping[str, str], body: bytes) -> str:
    """As `aliyun_fault`, for Tencent Cloud."""
    given = fields(headers["authorization"])
    key_id, day, service, end = given["Credential"].split("/")
    names = given["SignedHeaders"].split(";")
    at = datetime.fromtimestamp(int(headers["x-tc-timestamp"]), UTC)
    lines = "".join(f"{name}:{headers[name].lower()}\n" for name in names)
    canonical = f"POST\n{target}\n\n{lines}\n{given['SignedHeaders']}\n{hashlib.sha256(body).hexdigest()}"
    said = f"TC3-HMAC-SHA256\n{headers['x-tc-timestamp']}\n{day}/{service}/{end}\n"
    said += hashlib.sha256(canonical.encode()).hexdigest()
    key = ("TC3" + SECRET).encode()
    for part in (day, service, end):
        key = sealed(key, part)
    wrong = {
        "AuthFailure.SecretIdNotFound": key_id != KEY_ID,
        "AuthFailure.SignatureExpire": abs(datetime.now(UTC) - at) > timedelta(minutes=5),
        "InvalidParameter": (headers["x-tc-action"], headers["x-tc-version"]) != ("SendSms", "2021-01-11"),
        "MissingParameter": names != ["content-type", "host"] or not headers["x-tc-region"],
        "AuthFailure.InvalidAuthorization": (day, service, end) != (f"{at:%Y-%m-%d}", "sms", "tc3_request"),
        "AuthFailure.SignatureFailure": sealed(key, said).hex() != given["Signature"],
    }
    return next((code for code, is_so in wrong.items() if is_so), "")


FAULTS: Final[dict[str, Callable[[str, Mapping[str, str], bytes], str]]] = {
    "aliyun": aliyun_fault,
    "tencent": tencent_fault,
}


def sent(provider: str, target: str, body: bytes) -> dict[str, str]:
    """Number, words and the rest of a request, as the provider reads them."""
    if provider == "aliyun":
        found = dict(parse_qsl(target.partition("?")[2], keep_blank_values=True, strict_parsing=True))
        words = json.loads(found["TemplateParam"])
        return {
            "number": found["PhoneNumbers"],
            "text": words["text"],
            "key": found["OutId"],
            "sign": found["SignName"],
        }
    said = json.loads(body)
    [number], [text] = said["PhoneNumberSet"], said["TemplateParamSet"]
    return {"number": number, "text": text, "key": said["SessionContext"], "sign": said["SignName"]}


def answer_of(provider: str, code: str) -> tuple[int, bytes]:
    """As the provider puts it. `""` is yes; both repeat the number, and one of them the words, where they refuse."""
    if provider == "aliyun":
        refused = {"Code": code, "Message": f"{NUMBER} {MESSAGE.text}"}
        return (400, json.dumps(refused).encode()) if code else (200, b'{"Code":"OK","Message":"OK","BizId":"9006"}')
    if code.startswith("AuthFailure"):
        return 200, json.dumps({"Response": {"Error": {"Code": code, "Message": NUMBER}, "RequestId": "r"}}).encode()
    status = {"PhoneNumber": "+8613800000000", "Fee": 1, "Code": code or "Ok", "Message": MESSAGE.text}
    return 200, json.dumps({"Response": {"SendStatusSet": [status], "RequestId": "r"}}).encode()


class Gateway:
    """A provider on this machine. It takes what is signed well and what `refuses` does not name; `says` is its answer where set, `silent` none at all."""

    def __init__(self, provider: str) -> None:
        gateway = self
        self.taken: list[dict[str, str]] = []
        self.asked = 0
        self.nonces: list[str] = []
        self.refuses: Callable[[dict[str, str]], str] = lambda _: ""
        self.says: tuple[int, bytes] | None = None
        self.closes = False
        self.silent: threading.Event | None = None

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                gateway.asked += 1
                gateway.nonces.append(headers.get("x-acs-signature-nonce", str(gateway.asked)))
                if gateway.silent:
                    gateway.silent.wait(30)
                if gateway.silent or gateway.closes:
                    self.close_connection = True
                    return
                words = sent(provider, self.path, body)
                code = FAULTS[provider](self.path, headers, body) or gateway.refuses(words)
                status, said = gateway.says or answer_of(provider, code)
                gateway.taken += [] if code or gateway.says else [words]
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.send_header("location", "/elsewhere")
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@contextmanager
def gateway(provider: str) -> Iterator[Gateway]:
    found = Gateway(provider)
    thread = threading.Thread(target=found.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        if found.silent:
            found.silent.set()
        found.server.shutdown()
        found.server.server_close()
        thread.join()


def refused(account: SmsAccount, message: Message = MESSAGE, within: float = 5) -> str:
    """Why it did not go out; nothing of it, down to the last cause of the error, tells a secret, a number or a word."""
    with pytest.raises(OperatorError) as error:
        asyncio.run(send_sms(account, NUMBER, message, within=within))
    whole = "".join(traceback.format_exception(error.value)) + repr(error.value) + repr(account)
    assert not [secret for secret in UNSAID if secret in whole]
    return str(error.value)


def test_the_signature_of_aliyun_is_that_of_its_published_example() -> None:
    """Every value is of "Request syntax and signature method V3", the example with fixed parameters."""
    query = {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }  # fmt: skip
    assert aliyun_authorization("YourAccessKeyId", "YourAccessKeySecret", query=query, headers=headers) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_the_signature_of_tencent_cloud_is_that_of_its_published_example() -> None:
    """Every value is of "Signature v3" (https://tencentcloud.com/document/api/614/42761); the escapes stand in the body as they stand here."""
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    found = tencent_authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm", host="cvm.tencentcloudapi.com", at=1551113065, body=body,
    )  # fmt: skip
    assert found == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


@pytest.fixture
def in_china(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "CST-8")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_china")
def test_the_day_in_a_signature_is_that_of_utc_also_after_midnight_in_china() -> None:
    at = int(datetime.fromisoformat("2026-08-04T00:30:00+08:00").timestamp())
    assert datetime.fromtimestamp(at).day == 4  # noqa: DTZ006  # that is the point
    assert "/2026-08-03/sms/" in tencent_authorization("k", "s", service="sms", host="h", at=at, body=b"")


def request_of(provider: str, number: str, key: str, text: str, more: str = "") -> Request:
    make = {"aliyun": aliyun_request, "tencent": tencent_request}[provider]
    return make(account(provider, more=more), number, key, text, datetime.now(UTC))


@given(
    st.sampled_from(PROVIDERS), st.from_regex(r"\+?[0-9][0-9 -]{2,20}", fullmatch=True), st.text(max_size=20), st.text()
)
def test_any_number_and_any_words_arrive_as_they_were_under_a_signature_that_holds(
    provider: str, number: str, key: str, text: str
) -> None:
    request = request_of(provider, number, key, text)
    target = "/" + request.url.partition("127.0.0.1/")[2]
    assert FAULTS[provider](target, request.headers, request.body) == ""
    words = sent(provider, target, request.body)
    digits = "".join(sign for sign in number if sign.isdigit())
    assert words == {"number": words["number"], "text": text, "key": key, "sign": "守伴"}
    assert words["number"] == (digits if provider == "aliyun" or number[0] != "+" else f"+{digits}")


@given(st.sampled_from(PROVIDERS), st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_other_words_are_other_signatures(provider: str, text: str, other: str) -> None:
    """The checks of this file would see a change on the way."""
    request = request_of(provider, NUMBER, "k", text)
    target = "/" + request.url.partition("127.0.0.1/")[2]
    changed = request_of(provider, NUMBER, "k", f"{text}{other}")
    swapped = "/" + changed.url.partition("127.0.0.1/")[2]
    assert FAULTS[provider](swapped, request.headers, changed.body) != ""
    assert FAULTS[provider](target, request.headers, request.body) == ""


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "紧急：请马上联系。",
        "a b&c=d+e%20%",
        "~*!'()[]{}\"\\/?#;,",
        "一行\n另一行\r\t",
        "🆘 é \u200b",
        "\ud800",
        "x" * 35,
    ],
)
def test_a_phone_is_reached_by_the_provider_whatever_is_said(provider: str, text: str) -> None:
    with gateway(provider) as found:
        channels = Channels(sms=url(provider, found.host))
        how = asyncio.run(channels.send(f"tel:{NUMBER}", Message("duty-1", "守伴", text, {})))
    assert how == f"{provider} took it"
    number = "8613800000000" if provider == "aliyun" else "+8613800000000"
    assert found.taken == [{"number": number, "text": text, "key": "duty-1", "sign": "守伴"}]


@BOTH
def test_a_phone_is_a_phone_under_either_scheme_and_in_production(provider: str) -> None:
    with gateway(provider) as found:
        channels = Channels(sms=url(provider, found.host), public_only=True)
        assert channels.has("phone")
        assert asyncio.run(channels.send("sms:13800000000", MESSAGE)) == f"{provider} took it"
        with pytest.raises(OperatorError, match="the phone address is none"):
            asyncio.run(channels.send("tel:13800000000,13900000000", MESSAGE))
    assert [one["number"] for one in found.taken] == ["13800000000"]


@BOTH
def test_a_wrong_secret_is_refused_with_the_providers_code(provider: str) -> None:
    code = {"aliyun": "SignatureDoesNotMatch", "tencent": "AuthFailure.SignatureFailure"}[provider]
    with gateway(provider) as found:
        wrong = sms_account(url(provider, found.host).replace("s3cret", "another"))
        assert wrong is not None
        assert refused(wrong) == f"{provider} did not take the message: `{code}`"
    assert found.taken == []


@BOTH
@pytest.mark.parametrize(
    "code",
    ["isv.MOBILE_NUMBER_ILLEGAL", "isv.BUSINESS_LIMIT_CONTROL", "Throttling.User", "LimitExceeded.PhoneNumberThirtySecondLimit", "FailedOperation.SignatureIncorrectOrUnapproved"],
)  # fmt: skip
def test_what_is_refused_or_throttled_is_told_by_the_code_and_not_tried_again(provider: str, code: str) -> None:
    with gateway(provider) as found:
        found.refuses = lambda _: code
        assert refused(account(provider, found.host), WITH_LINK) == f"{provider} did not take the message: `{code}`"
    assert (found.asked, found.taken) == (1, [])


@BOTH
@pytest.mark.parametrize("code", ["+8613800000000", "isv.13800000000", "ok\n", MESSAGE.text, "a b", "x" * 81])
def test_a_code_that_could_be_a_number_or_words_is_not_told(provider: str, code: str) -> None:
    with gateway(provider) as found:
        found.refuses = lambda _: code
        assert refused(account(provider, found.host)).endswith("a code of no known form")


@BOTH
@pytest.mark.parametrize(
    "says",
    [
        (200, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b'{"Code":0}'), (200, b'{"Response":{"SendStatusSet":[{}]}}'), (200, b"\xff\xfe"), (200, b'{"Code":"\xff"}'), (200, b'{"x":' + b"[" * 99_999),
        (502, b"bad gateway +8613800000000"), (302, b""), (500, b'{"Code":"OK"}'), (500, b'{"Response":{"SendStatusSet":[{"Code":"Ok"}]}}'),
    ],
)  # fmt: skip
def test_an_answer_that_says_nothing_of_success_is_none(provider: str, says: tuple[int, bytes]) -> None:
    with gateway(provider) as found:
        found.says = says
        told = refused(account(provider, found.host))
    assert told == f"{provider} answered {says[0]} and nothing that says whether it was taken"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"SendStatusSet": []}, "`none`"), ({"SendStatusSet": [{"Code": "Ok"}, {"Code": "InternalError.Timeout"}]}, "`InternalError.Timeout`"),
        ({"SendStatusSet": [{"Code": "Ok"}], "Error": {"Code": "InternalError"}}, "`InternalError`"), ({"SendStatusSet": [{"Code": "OK"}]}, "`OK`"),
    ],
)  # fmt: skip
def test_tencent_cloud_has_taken_it_where_every_status_says_so(said: dict[str, Any], told: str) -> None:
    with gateway("tencent") as found:
        found.says = (200, json.dumps({"Response": said}).encode())
        assert refused(account("tencent", found.host)) == f"tencent did not take the message: {told}"


@BOTH
def test_a_provider_that_is_slow_closes_or_is_not_there_is_told_apart_and_nothing_is_given_away(provider: str) -> None:
    with gateway(provider) as found:
        found.silent = threading.Event()
        assert refused(account(provider, found.host), within=0.2) == f"{provider} did not answer"
    with gateway(provider) as found:
        found.closes = True
        assert refused(account(provider, found.host)) == f"{provider} cannot be reached"
    assert refused(account(provider, found.host)) == f"{provider} cannot be reached"


@BOTH
def test_where_links_are_refused_the_words_go_out_without_the_one_that_only_helps(provider: str) -> None:
    code = {
        "aliyun": "isv.PARAM_NOT_SUPPORT_URL",
        "tencent": "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
    }
    with gateway(provider) as found:
        found.refuses = lambda words: code[provider] if "https://" in words["text"] else ""
        roomy = account(provider, found.host, "&length=200")
        assert asyncio.run(send_sms(roomy, NUMBER, WITH_LINK)) == f"{provider} took it"
        assert [(one["text"], one["key"]) for one in found.taken] == [
            ("您关心的人现在可能需要您。\n看到了请点", "duty-2")
        ]
        assert len(set(found.nonces)) == found.asked == 2
        # An invitation is nothing without its link.
        invitation = Message("duty-3", "守伴", f"请打开链接：{LINK}", {"contact": "王芳"})
        assert code[provider] in refused(roomy, invitation)


def test_a_text_too_long_keeps_its_link_and_its_code() -> None:
    long = Message("k", "t", f"请点 {LINK} 把验证码 012345 告诉 TA。{'好' * 100}", {})
    assert fitted(long, 400) == long.text
    assert fitted(long, 80) == f"请点  把验证码  告诉 TA。{'好' * 10}…{LINK} 012345"
    assert len(fitted(long, 80)) == 80
    helps = Message("k", "t", f"{'紧急' * 20}看到了请点：{LINK}", {"answer": LINK})
    assert fitted(helps, 200) == helps.text
    assert fitted(helps, 100) == f"{'紧急' * 20}看到了请点：{LINK}"
    assert fitted(helps, 35) == f"{'紧急' * 17}…"


def test_a_link_that_is_what_the_message_is_for_is_not_cut() -> None:
    with pytest.raises(OperatorError, match="set `length` of `sms`") as error:
        fitted(Message("k", "t", f"请打开链接确认：{LINK}", {"contact": "王芳"}), 35)
    assert "0f9e" not in str(error.value)


@given(st.text(), st.integers(10, 500), st.booleans(), st.booleans())
def test_what_is_said_is_never_longer_than_may_be_and_a_code_is_never_lost(
    text: str, length: int, links: bool, helps: bool
) -> None:
    code = new_code()
    whole = Message("k", "t", f"{text} {LINK if helps else ''} {code} {text}", {"answer": LINK} if helps else {})
    try:
        found = fitted(whole, length, with_links=links)
    except OperatorError:
        return
    assert len(found) <= length
    assert code in found


def test_the_lengths_are_those_that_the_providers_name() -> None:
    assert [account(one).length for one in PROVIDERS] == [35, 400]
    assert account("aliyun", more="&length=20").length == 20


def test_a_number_is_sent_without_what_people_write_between_the_digits() -> None:
    assert plain(NUMBER) == "+8613800000000"


@BOTH
def test_a_request_is_sent_over_tls_unless_it_is_to_this_machine(provider: str) -> None:
    real = sms_account(url(provider, "sms.example.test").replace("&tls=off", ""))
    assert real is not None
    make = {"aliyun": aliyun_request, "tencent": tencent_request}[provider]
    request = make(real, NUMBER, "k", "好", datetime.now(UTC))
    assert request.url.startswith("https://sms.example.test/")
    assert request.headers["host"] == "sms.example.test"


@BOTH
def test_no_code_is_no_success(provider: str) -> None:
    with gateway(provider) as found:
        found.says = (200, b'{"Code":"","Response":{"SendStatusSet":[{"Code":""}]}}')
        assert refused(account(provider, found.host)) == f"{provider} did not take the message: a code of no known form"


@BOTH
def test_neither_account_nor_request_can_be_shown_by_accident(provider: str) -> None:
    shown = f"{account(provider)!r} {request_of(provider, NUMBER, 'k', MESSAGE.text)!r} {Channels(sms=url(provider))!r}"
    assert not [secret for secret in (*UNSAID, KEY_ID, "Signature") if secret in shown]
