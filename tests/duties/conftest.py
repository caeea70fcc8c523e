"""The gateway that these tests speak to."""

from __future__ import annotations

from tests.gateway.serving import other_upstream, upstream, world

__all__ = ["other_upstream", "upstream", "world"]
