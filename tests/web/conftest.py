from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway.serving import Served, serving, settings_for


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service whose staff need no one-time codes."""
    with serving(settings_for(tmp_path_factory.mktemp("office"), encoder=False)) as served:
        yield served
