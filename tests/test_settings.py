from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import refusal

from shouban.core.errors import OperatorError
from shouban.settings import SECRETS, SMS_FORMS, ServiceSettings, Settings, read_settings, settings_table, sms_account

TWO = """
port = 9000
[[services]]
id = "a"
key = "sk-a"
upstream = "http://127.0.0.1:1/v1"
[[services]]
id = "b"
key = "sk-b"
pack = "cn-2025-draft"
unregistered = "refuse"
"""


def read(
    text: str = "", environment: dict[str, str] | None = None, folder: Path | None = None, **flags: Any
) -> Settings:
    file = None
    if folder is not None:
        file = folder / "shouban.toml"
        file.write_text(text, "utf-8")
    return read_settings(file, environment or {}, flags)


def test_without_a_word_there_is_one_service_with_the_law_of_china_and_the_scripted_model() -> None:
    [service] = read().served()
    assert (service.id, service.pack, service.upstream, service.delivery, service.anonymous) == (
        "default",
        "cn",
        "scripted",
        "inline",
        False,
    )


def test_flags_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    text = 'port = 1\ndata = "file"\npack = "cn-2025-draft"\n'
    found = read(text, {"SHOUBAN_PORT": "2", "SHOUBAN_DATA": "environment", "HOME": "/x"}, tmp_path, port=3, data=None)
    assert (found.port, found.data, found.pack) == (3, "environment", "cn-2025-draft")


def test_every_setting_but_the_list_of_services_may_stand_in_the_environment() -> None:
    for name, form, default in settings_table():
        given_value = {"bool": "true", "int": "7", "float": "7.5", "str": "x"}.get(form, form.split(" | ")[-1])
        if name == "services":
            continue
        addresses = dict.fromkeys(("upstream", "judge", "oidc_issuer", "public_url"), "http://x/v1")
        given_value = {**addresses, "judge_signals": "crisis"}.get(name, given_value)
        directory = {"SHOUBAN_OIDC_CLIENT": "c", "SHOUBAN_OIDC_SECRET": "s", "SHOUBAN_PUBLIC_URL": "https://x"}
        needed = {"judge": {"SHOUBAN_JUDGE_MODEL": "m"}, "oidc_issuer": directory}.get(name, {})
        found = read(environment={f"SHOUBAN_{name.upper()}": given_value, **needed})
        assert str(getattr(found, name)).lower() == given_value, (name, default)


def test_services_by_file_have_each_their_own(tmp_path: Path) -> None:
    found = read(TWO, folder=tmp_path)
    one, other = found.served()
    assert (one.id, one.pack, other.id, other.pack) == ("a", "cn", "b", "cn-2025-draft")
    assert found.unregistered_policy(other) == "refuse"


@pytest.mark.parametrize(
    ("production", "service", "flat", "policy"),
    [
        (False, "", "", "adult"),
        (True, "", "", "refuse"),
        (True, "adult", "", "adult"),
        (False, "", "strict", "strict"),
        (True, "strict", "adult", "strict"),
        (True, "", "adult", "adult"),
    ],
)
def test_what_becomes_of_an_unknown_person(production: bool, service: Any, flat: Any, policy: str) -> None:
    settings = Settings(production=production, unregistered=flat)
    assert settings.unregistered_policy(ServiceSettings(id="s", unregistered=service)) == policy


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 1", "did you mean `port`"),
        ("port = 'many'", "port"),
        ("port = ", "not TOML"),
        ("delivery = 'loud'", "delivery"),
        ("production = true\nclock = 'virtual'", "production mode refuses"),
        ("care_minutes = -1", "0 is no limit"),
        ("upstream = 'example.org'", "http"),
        ("[[services]]\nid = 'a'\n[[services]]\nid = 'a'", "one id"),
        ("[[services]]\nid = 'a'\nkey = 'k'\n[[services]]\nid = 'b'\nkey = 'k'", "one key"),
        ("[[services]]\nname = 'a'", "name"),
        ("[[services]]\nid = 'a'\nupstream = 'x'", "service `a`"),
        ("judge = 'example.org'\njudge_model = 'm'", "`judge` is `example.org`"),
        ("judge = 'http://key@h/v1'\njudge_model = 'm'", "its key goes in `judge_key`"),
        ("judge = 'http://h:x/v1'\njudge_model = 'm'", "`judge` is `http://h:x/v1`"),
        ("judge = 'http://h/v1'", "`judge_model` is not"),
        ("judge = 'upstream'\njudge_model = 'm'", "service `default`, which is `scripted`"),
        ("judge = 'http://h/v1'\njudge_model = 'm'\njudge_signals = ' , '", "`judge_signals` is empty"),
        ("judge_signals = 'crisis, dependance'", "did you mean `dependence`"),
        ("judge_signals = 'manipulation.guilt'", "no signal of a person's words"),
        ("judge_deadline = 0", "seconds above 0"),
    ],
)
def test_a_setting_that_does_not_fit_says_what_to_change(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(OperatorError, match=told):
        read(text, folder=tmp_path)


def test_a_judge_is_asked_about_the_signals_of_its_list() -> None:
    assert Settings().judged() == {"crisis", "crisis_other", "property_risk", "minor_cue", "kin_request", "dependence"}
    assert Settings(judge_signals=" crisis ,emotion,").judged() == {"crisis", "emotion"}


def test_the_model_of_a_service_may_judge_where_it_is_a_real_one() -> None:
    found = read(upstream="http://h/v1", judge="upstream", judge_model="m")
    assert found.judge == "upstream"


def test_a_file_that_is_not_there_or_no_text_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"no settings file .*missing\.toml"):
        read_settings(tmp_path / "missing.toml", {}, {})
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(OperatorError, match="not TOML"):
        read_settings(tmp_path / "bad.toml", {}, {})


def test_a_virtual_clock_is_refused_in_production_by_whatever_way_it_comes() -> None:
    with pytest.raises(OperatorError, match="virtual"):
        read(environment={"SHOUBAN_CLOCK": "virtual"}, production=True)
    assert read(environment={"SHOUBAN_CLOCK": "virtual"}).clock == "virtual"


def test_the_table_lists_every_setting_and_shows_no_secret() -> None:
    table = settings_table()
    assert [name for name, _, _ in table] == list(Settings.__struct_fields__)
    assert all(default == "" for name, _, default in table if name in SECRETS)


@given(
    st.dictionaries(
        st.sampled_from([*Settings.__struct_fields__, "x"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        max_size=4,
    )
)
def test_whatever_is_set_is_taken_or_refused_in_words(flags: dict[str, Any]) -> None:
    error = refusal(lambda: read(**flags).served(), OperatorError)
    assert error is None or str(error)


@pytest.mark.parametrize("missing", ["oidc_client", "oidc_secret", "public_url"])
def test_a_directory_is_named_whole(missing: str) -> None:
    whole = {"oidc_client": "c", "oidc_secret": "s", "public_url": "https://x"}
    given = {f"SHOUBAN_{name.upper()}": value for name, value in whole.items() if name != missing}
    with pytest.raises(OperatorError, match=f"`{missing}` is not"):
        read(environment={"SHOUBAN_OIDC_ISSUER": "https://idp", **given})


@pytest.mark.parametrize("name", ["oidc_issuer", "public_url"])
def test_an_address_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(OperatorError, match=name):
        read(environment={f"SHOUBAN_{name.upper()}": "idp.example"})


@pytest.mark.parametrize(
    ("production", "second_factor", "asked"),
    [(False, "", False), (True, "", True), (False, "required", True), (True, "optional", False)],
)
def test_staff_are_asked_for_codes_in_production_unless_it_is_said_otherwise(
    production: bool, second_factor: str, asked: bool
) -> None:
    assert Settings(production=production, second_factor=second_factor).asks_codes == asked  # type: ignore[arg-type]  # of the three


ALIYUN = "sign=%E5%AE%88%E4%BC%B4&template=SMS_123&param=text"
TENCENT = "app=1400006666&sign=守伴&template=1110&region=ap-guangzhou"


@pytest.mark.parametrize("provider", SMS_FORMS)
def test_the_form_that_an_error_shows_is_one_that_is_taken_once_filled_in(provider: str) -> None:
    filled = SMS_FORMS[provider].replace("NUMBER", "123")
    assert read(sms=filled).sms == filled


def test_an_account_of_a_provider_is_read_as_it_was_typed_or_encoded() -> None:
    found = sms_account(f"ALIYUN://LTAI5t:a%2Fb%3Fc%40d@dysmsapi.aliyuncs.com:443?{ALIYUN}&length=20")
    assert found is not None
    assert (found.provider, found.key_id, found.secret) == ("aliyun", "LTAI5t", "a/b?c@d")
    assert (found.url, found.length, found.options["sign"]) == ("https://dysmsapi.aliyuncs.com:443/", 20, "守伴")
    local = sms_account(f"tencent://AKID:s@[::1]:8080/?{TENCENT}&tls=off")
    assert local is not None
    assert (local.url, local.options["sign"]) == ("http://[::1]:8080/", "守伴")


@pytest.mark.parametrize("sms", ["", "https://sms.example/hook", "x", "twilio://a:b@+1/+2", "aliyuns://x"])
def test_another_way_of_sending_is_no_account(sms: str) -> None:
    assert sms_account(sms) is None
    assert read(sms=sms).sms == sms


@pytest.mark.parametrize(
    ("sms", "told"),
    [
        ("aliyun:", "no URL of `aliyun`"), ("aliyun://", "no URL of `aliyun`"), (f"aliyun://h/?{ALIYUN}", "no URL"), (f"aliyun://k:@h/?{ALIYUN}", "no URL"),
        (f"aliyun://:hidden@h/?{ALIYUN}", "no URL"), (f"aliyun://k:hidden@/?{ALIYUN}", "no URL"), (f"aliyun://k:hidden@h:port/?{ALIYUN}", "no URL"),
        (f"aliyun://k:hid/den@h/?{ALIYUN}", "percent-encoded"), (f"aliyun://k:hid#den@h/?{ALIYUN}", "percent-encoded"), (f"aliyun://k:hid?den@h/?{ALIYUN}", "percent-encoded"),
        (f"aliyun://k:hidden@h/path?{ALIYUN}", "no URL"), (f"aliyun://k:hidden@h/?{ALIYUN}#x", "no URL"), (f"aliyun://k:hidden@h:99999/?{ALIYUN}", "no URL"),
        (f"aliyun://k:hidden@h:0/?{ALIYUN}", "no URL"), (f"aliyun://[k:hidden@h/?{ALIYUN}", "no URL"), (f"aliyun://k:hidden@h/?{ALIYUN}&sign=hidden", "no URL"),
        (f"aliyun://k%0d%0a:hidden@h/?{ALIYUN}", "no URL"), (f"aliyun://k:%ff@h/?{ALIYUN}", "no URL"), (f"aliyun://k:hidden\udcff@h/?{ALIYUN}", "no URL"),
        ("aliyun://k:hidden@h/", "`sms` lacks `sign`"), ("aliyun://k:hidden@h/?sign=a", "`sms` lacks `template`, `param`; write `aliyun://"),
        (f"aliyun://k:hidden@h/?{ALIYUN}&parma=a", "did you mean `param`"), (f"aliyun://k:hidden@h/?{ALIYUN}&hidden=a", "none of `aliyun`: sign, template, param, length, tls"),
        (f"aliyun://k:hidden@h/?{ALIYUN}&app=1", "none of `aliyun`"), (f"aliyun://k:hidden@h/?{ALIYUN}&length=5", "`length` of `sms` does not fit"),
        (f"aliyun://k:hidden@h/?{ALIYUN}&length=501", "from 10 to 500"), (f"aliyun://k:hidden@h/?{ALIYUN}&tls=no", "`tls` of `sms` does not fit"),
        (f"aliyun://k:hidden@h/?{ALIYUN}&tls=off", "for this machine only"), (f"aliyun://k:hidden@127.0.0.1.example/?{ALIYUN}&tls=off", "for this machine only"),
        ("aliyun://k:hidden@h/?sign=【a】&template=b&param=c", "`sign` of `sms` does not fit"), ("aliyun://k:hidden@h/?sign=a%0d&template=b&param=c", "`sign` of `sms` does not fit"),
        ("aliyun://k:hidden@h/?sign=&template=b&param=c", "`sign` of `sms` does not fit"), ("aliyun://k:hidden@h/?sign=a&template=b&param=1", "`param` of `sms` does not fit"),
        ("tencent://k:hidden@h/?app=1&sign=a&template=SMS_1&region=r", "`template` of `sms` does not fit"), (f"tencent://k:hidden@h/?{TENCENT}%0d%0ax:y", "`region` of `sms` does not fit"),
        ("tencent://k:hidden@h/?app=1&sign=a", "`sms` lacks `template`, `region`; write `tencent://"),
    ],
)  # fmt: skip
def test_an_account_that_is_not_whole_says_what_to_change_and_never_the_secret(sms: str, told: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(sms=sms)
    assert told in str(refused.value)
    whole = "".join(traceback.format_exception(refused.value, limit=0)) + repr(refused.value)
    assert not [secret for secret in ("hidden", "hid/", "hid?", "den@") if secret in whole]
    assert refused.value.__cause__ is refused.value.__context__ is None


@given(st.text(max_size=60), st.sampled_from(["aliyun", "tencent"]))
def test_whatever_stands_behind_the_name_of_a_provider_is_taken_or_refused_in_words(rest: str, provider: str) -> None:
    for sms in (f"{provider}:{rest}", f"{provider}://k:s@h/?{rest}"):
        error = refusal(lambda sms=sms: sms_account(sms), OperatorError)  # type: ignore[misc]  # the default binds the loop's value
        assert error is None or "`sms`" in str(error)
