"""Libraries that few services use are not loaded at the start; when one is, it is beside the event loop."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module


async def loaded(library: str) -> None:
    """Returns once `library` can be imported at no cost. In the loop itself, a sixth of a second of it would hold up everybody's words."""
    if library not in sys.modules:
        await asyncio.to_thread(import_module, library)
