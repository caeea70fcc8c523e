"""The settings in the documents are the settings there are. After a change: `python -m tests.docs.test_settings`."""

from __future__ import annotations

import re
from typing import Final

import pytest
from tests.docs.reading import READMES, ROOT, read

from shouban.settings import PREFIX, SECRETS, ServiceSettings, settings_table

TABLE: Final = re.compile(r"(<!-- settings: .* -->\n)(.*?)(<!-- /settings -->)", re.DOTALL)
HEADS: Final = {
    "README.md": ("setting", "form", "default", "made on the first start", "kept in the file"),
    "README.zh-CN.md": ("设置", "形式", "默认值", "首次启动时生成", "只写在配置文件里"),
}
# Where a secret's default is not nothing.
MADE: Final = frozenset({"service_key", "admin_password"})


def table(name: str) -> str:
    setting, form, default, made, in_file = HEADS[name]
    lines = [f"| {setting} | {form} | {default} |", "|---|---|---|"]
    for key, kind, usual in settings_table():
        value = made if key in MADE else in_file if key == "services" else f"`{usual}`" if usual else ""
        lines.append(f"| `{key}` | {kind.replace('|', 'or' if name == READMES[0] else '或')} | {value} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", READMES)
def test_the_readme_lists_every_setting_with_its_form_and_default(name: str) -> None:
    found = TABLE.search(read(name))
    assert found is not None
    assert found.group(2) == table(name), "python -m tests.docs.test_settings writes it anew"


def test_operation_says_what_each_setting_means() -> None:
    text = read("docs/operation.md")
    missing = [name for name, _, _ in settings_table() if f"`{name}`" not in text]
    missing += [name for name in ServiceSettings.__struct_fields__ if f"`{name}`" not in text]
    missing += [f"{PREFIX}{name.upper()}" for name in SECRETS if f"`{PREFIX}{name.upper()}`" not in text]
    assert not missing


if __name__ == "__main__":
    for document in READMES:
        text = read(document)
        found = TABLE.search(text)
        assert found is not None
        (ROOT / document).write_text(text[: found.start(2)] + table(document) + text[found.end(2) :], "utf-8")
