"""`shouban demo`: the main job with nothing but this machine: no key, no network, no set-up."""

from __future__ import annotations

import os
from pathlib import Path

from shouban.cli.serve import run
from shouban.settings import read_settings


def demo(*, port: int = 8460, data: Path = Path("demo-data")) -> int:
    """Open a companion app with a scripted model in the browser, and talk.

    Example: `shouban demo --port 8460`

    Parameters
    ----------
    port
        The port to listen on.
    data
        Where keys and the database are kept.

    """
    settings = read_settings(None, os.environ, {"port": port, "data": str(data), "upstream": "scripted"})
    return run(settings)
