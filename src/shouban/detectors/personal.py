"""Personal data given away: identity numbers, cards, phones, mail, addresses, secrets; checked where a checksum exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from shouban.core.signals import BOTH, Level, Reading, Role
from shouban.detectors.normalise import Normalised

SIGNAL: Final = "personal_data"
MASKS: Final = {
    "id_number": "身份证号", "bank_card": "银行卡号", "mobile": "手机号", "phone": "电话号码", "email": "邮箱", "address": "住址",
    "secret": "密码", "passport": "证件号", "account": "账号", "vehicle": "车牌号",
}  # fmt: skip
_MASK_OTHER: Final = "个人信息"

_RUN: Final = re.compile(r"(?<![0-9a-z.])[0-9](?:[ \-]{0,2}[0-9]){12,20}x?(?![0-9a-z])")
_MOBILE: Final = re.compile(r"(?<![0-9a-z])(?:\+?86[ \-]?)?1[3-9][0-9](?P<sep>[ \-]?)[0-9]{4}(?P=sep)[0-9]{4}(?![0-9])")
_PHONE: Final = re.compile(
    r"(?<![0-9])(?:\(0[0-9]{2,3}\)|0[0-9]{2,3}[ \-])[2-9][0-9]{6,7}(?![0-9])"
    r"|(?<![0-9])(?:\+?1[ \-])?\(?[2-9][0-9]{2}\)?[ \-][2-9][0-9]{2}[ \-][0-9]{4}(?![0-9])|\+[1-9][0-9]{0,2}[ \-]?[0-9]{2,4}[ \-]?[0-9]{3,4}[ \-]?[0-9]{3,4}(?![0-9])"
)
_EMAIL: Final = re.compile(
    r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]{1,64}@[a-z0-9\-]{1,63}(?:\.[a-z0-9\-]{1,63}){1,4}(?![a-z0-9])"
)
_ADDRESS: Final = re.compile(
    r"(?:大道|大街|胡同|小区|花园|公寓|社区|新村|家属院|[路街巷弄村里园苑镇])[东南西北中]?[一二三四五六七八九十]?[段期区]?[0-9一二三四五六七八九十百]{1,5}(?:号|弄|栋|幢|座|单元|室|楼)(?:院|楼)?(?:[0-9a-z一二三四五六七八九十]{1,4}(?:号|栋|幢|座|单元|层|楼|室|户)){0,4}(?:[0-9]{3,4}(?![0-9路]))?"
    r"|(?:小区|花园|公寓|[园苑])[0-9a-z]{1,3}[-栋幢座][0-9\-]{1,4}(?:单元|[-室])?[0-9]{0,4}"
)
_STREET: Final = re.compile(
    r"(?<![0-9])[0-9]{1,5} (?:[a-z]{2,15} ){1,3}(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd)\b"
)
# Characters and short numbers (88号院), not a telephone number that happens to stand before.
_BEFORE_ADDRESS: Final = re.compile(r"(?:[\u4e00-\u9fff]|(?<![a-z0-9])[a-z0-9]{1,4}(?![a-z0-9]))+$")
_REGION: Final = re.compile(r"[省市县区]|自治州|我家|住在?|地址|家在")
_SECRET: Final = re.compile(
    r"(?:密码|口令|验证码|校验码|动态码|支付码|安全码|cvv2?)(?:就|都|还)?(?:是|为|叫|设成|改成|:|=|,| ){1,3}(?P<value>[a-z0-9!@#$%^&*_.+\-]{3,32})"
    r"|\b(?:password|passcode|passwd|pwd|pin(?: code| number)?|verification code|security code|otp|cvv)(?: is| was|:|=| ){1,3}(?P<english>[a-z0-9!@#$%^&*_.+\-]{3,32})"
)
_PASSPORT: Final = re.compile(
    r"(?:护照|passport|通行证|军官证|学号|社保)(?:号码?| ?number| ?no\.?)?(?:是|为|is|:|=| ){0,3}(?P<value>[a-z]{0,2}[0-9]{6,12})(?![0-9])"
)
_ACCOUNT: Final = re.compile(
    r"(?:微信号?|qq号?|vx|wx|wechat|加我q|支付宝账?号?|账号)(?:是|为|叫|is|:|=|加我| ){0,3}(?P<value>[a-z_][a-z0-9_\-]{5,19}|[1-9][0-9]{5,10})(?![a-z0-9])"
)
_SSN: Final = re.compile(r"(?<![0-9\-])[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}(?![0-9\-])")
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10x98765432"
_CARD_PREFIX: Final = re.compile(r"3[4-7]|4|5[1-5]|6[0-9]|2[2-7]|9[0-9]{2}")
_STIRS: Final = re.compile(r"[0-9@号室栋楼]")
_SECRET_WORD: Final = re.compile(r"码|口令|pass|pin|otp|pwd|cvv")
_VALUE: Final = re.compile(r"[a-z]")


class Found(NamedTuple):
    kind: str
    start: int
    end: int
    level: Level


class PersonalDataDetector:
    name = "personal"
    version = "1"
    signals = frozenset({SIGNAL})
    roles = BOTH
    prompt = True
    glance = 96
    linger = 1
    reach = 96

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        return tuple(self._reading(normalised, found) for found in _found(normalised.text))

    def read_open(self, normalised: Normalised, role: Role) -> tuple[Reading, ...]:
        # A letter or digit that follows makes a number no number: one that ends the folded text is still open.
        end = len(normalised.text)
        return tuple(self._reading(normalised, found) for found in _found(normalised.text) if found.end < end)

    def wakes(self, window: str, fresh: int, role: Role) -> bool:
        last = window[-fresh:]
        return _STIRS.search(last) is not None or (
            _VALUE.search(last) is not None and _SECRET_WORD.search(window) is not None
        )

    def _reading(self, normalised: Normalised, found: Found) -> Reading:
        span = normalised.span(found.start, found.end)
        return Reading(SIGNAL, found.level, 0.95, self.name, self.version, span, found.kind)


def mask(text: str, readings: Iterable[Reading]) -> str:
    """`text` with what the readings of personal data cover replaced by what it is: 〔身份证号〕."""
    spans = sorted(
        (r.span, r.kind) for r in readings if r.signal == SIGNAL and r.span is not None and r.kind is not None
    )
    out: list[str] = []
    done = 0
    for (start, end), kind in spans:
        if start >= done:
            out.append(f"{text[done:start]}〔{MASKS.get(kind, _MASK_OTHER)}〕")
        done = max(done, end)
    return "".join(out) + text[done:]


def may_hold(text: str) -> bool:
    return _STIRS.search(text) is not None or _SECRET_WORD.search(text) is not None


def _found(text: str) -> list[Found]:
    return without_overlap(findings(text)) if may_hold(text) else []


def findings(text: str) -> Iterator[Found]:
    for run in _RUN.finditer(text):
        yield from _number(run)
    yield from (Found("mobile", *found.span(), Level.HIGH) for found in _MOBILE.finditer(text))
    yield from (Found("phone", *found.span(), Level.MEDIUM) for found in _PHONE.finditer(text))
    yield from (Found("id_number", *found.span(), Level.HIGH) for found in _SSN.finditer(text))
    if "@" in text:
        yield from (Found("email", *found.span(), Level.HIGH) for found in _EMAIL.finditer(text))
    yield from _secrets(text)
    yield from (Found("passport", *found.span("value"), Level.HIGH) for found in _PASSPORT.finditer(text))
    yield from (Found("account", *found.span("value"), Level.MEDIUM) for found in _ACCOUNT.finditer(text))
    yield from (_address(text, found) for found in _ADDRESS.finditer(text))
    yield from (Found("address", *found.span(), Level.HIGH) for found in _STREET.finditer(text))


def without_overlap(found: Iterable[Found]) -> list[Found]:
    """All but those that lie in another that is at least as strong; in the order of the text."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f.start, -f.end, -f.level)):
        if not kept or one.end > kept[-1].end or one.level > kept[-1].level:
            kept.append(one)
    return kept


def _number(run: re.Match[str]) -> Iterator[Found]:
    digits = run.group().replace(" ", "").replace("-", "")
    if is_id_number(digits):
        yield Found("id_number", *run.span(), Level.SEVERE)
    elif is_card_number(digits):
        yield Found("bank_card", *run.span(), Level.SEVERE)
    elif len(digits) == 18 and _birth_date(digits):
        yield Found("id_number", *run.span(), Level.LOW)


def is_id_number(digits: str) -> bool:
    """A citizen's number by GB 11643: a real date of birth and the check character of ISO 7064 MOD 11-2."""
    if len(digits) != 18 or not digits[:17].isdecimal() or not _birth_date(digits):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits, strict=False))
    return digits[17] == _ID_CHECKS[total % 11]


def _birth_date(digits: str) -> bool:
    try:
        born = date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    return 1900 <= born.year <= 2100 and digits[0] in "12345689"


def is_card_number(digits: str) -> bool:
    """13 to 19 digits of a card issuer with a right Luhn check digit."""
    if not 13 <= len(digits) <= 19 or not digits.isdecimal() or not _CARD_PREFIX.match(digits) or len(set(digits)) < 3:
        return False
    doubled = [int(digit) * 2 for at, digit in enumerate(reversed(digits), start=1) if at % 2 == 0]
    plain = [int(digit) for at, digit in enumerate(reversed(digits), start=1) if at % 2]
    return (sum(plain) + sum(value - 9 if value > 9 else value for value in doubled)) % 10 == 0


def _secrets(text: str) -> Iterator[Found]:
    for found in _SECRET.finditer(text):
        group = "value" if found["value"] else "english"
        value = found[group]
        # "password is wrong" tells none: an English word alone is no secret.
        if group == "value" or any(char.isdecimal() or not char.isalnum() for char in value.rstrip(".!")):
            yield Found("secret", *found.span(group), Level.SEVERE)


def _address(text: str, found: re.Match[str]) -> Found:
    before = _BEFORE_ADDRESS.search(text[max(0, found.start() - 24) : found.start()])
    start = found.start() - (len(before.group()) if before else 0)
    regions = _REGION.findall(text[start : found.end()])
    return Found("address", start, found.end(), Level.HIGH if regions else Level.MEDIUM)
