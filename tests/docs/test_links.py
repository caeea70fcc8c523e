"""What a document points to is there, and no document names a machine of ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest
from tests.docs.reading import ROOT, anchors, documents, links

# Paths of one machine, and hosts of package indexes other than the public ones' own names.
PRIVATE: Final = re.compile(
    r"/(?:work|root|home|tmp)/\w|index-url|extra-index|https?://[\w.-]*(?:mirror|nexus|artifactory)"
)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document.read_text("utf-8")):
        name, _, anchor = link.partition("#")
        target = (document.parent / unquote(name)).resolve()
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_names_a_machine_of_ours(document: Path) -> None:
    assert not PRIVATE.search(document.read_text("utf-8"))


def test_every_picture_is_small_and_used() -> None:
    texts = "".join(document.read_text("utf-8") for document in documents())
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.name in texts
        assert picture.stat().st_size < 300_000
