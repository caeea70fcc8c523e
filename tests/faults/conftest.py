"""What the tests of this folder share: one nursery of servers, and a model that echoes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.faults.load import echoing
from tests.faults.nursery import Nursery, nursery
from tests.upstreams.faulty import FaultyUpstream, running


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made


@pytest.fixture(scope="session")
def model() -> Iterator[FaultyUpstream]:
    """A model that says the last word it was told."""
    with running(FaultyUpstream(echoing())) as started:
        yield started
