"""Reads the documents as their tests need them: fenced blocks with their marks, commands, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
READMES: Final = ("README.md", "README.zh-CN.md")
# A block says after its language what a test does with it: `serve`, `run`, or `out` (what the block before prints).
FENCE: Final = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
INLINE: Final = re.compile(r"`([^`\n]+)`")
COMMAND: Final = re.compile(r"\bshouban ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")


@dataclass(frozen=True)
class Block:
    language: str
    mark: str
    text: str


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(language, mark or "", body) for language, mark, body in FENCE.findall(text)]


def documents() -> list[Path]:
    """Every document of ours, by its path."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def links(text: str) -> list[str]:
    """Links to files of the repository."""
    return [one for one in LINK.findall(FENCE.sub("", text)) if not one.startswith(("http://", "https://", "#"))]


def without_code(text: str) -> str:
    return FENCE.sub("", text)


def code_of(text: str) -> list[str]:
    """What stands in code: fenced blocks without what they print, and words in backticks."""
    fenced = [block.text for block in blocks(text) if block.mark != "out"]
    return [*fenced, *INLINE.findall(without_code(text))]


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings)
