"""What few services use is loaded when it is used, and the event loop does not stand still for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shouban.duties.loading import loaded

HEAVY = """
import threading
WHERE = threading.current_thread()
"""


def test_a_library_is_loaded_beside_the_loop_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_heavy_library.py").write_text(HEAVY)
    monkeypatch.syspath_prepend(tmp_path)
    asyncio.run(loaded("a_heavy_library"))
    import a_heavy_library  # type: ignore[import-not-found]  # noqa: PLC0415  # written above

    assert a_heavy_library.WHERE is not threading.current_thread()
    before = a_heavy_library.WHERE
    asyncio.run(loaded("a_heavy_library"))
    assert a_heavy_library.WHERE is before


def test_what_sends_loads_no_client_before_something_is_sent() -> None:
    ask = "import sys, shouban.duties.channels, shouban.duties.sms, shouban.duties.identity; print('aiohttp' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
