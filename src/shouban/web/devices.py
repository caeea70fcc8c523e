"""Browsers that have signed in before (OWASP, Device Cookies): somebody who guesses at a known name locks strangers out, and not its owner.

A device's mark is made with the master key, and says only that this browser has known this name's password once. It opens nothing by itself.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from shouban.db.keys import MasterKey
from shouban.web.throttle import Throttle

DEVICE_COOKIE: Final = "shouban_device"
TRIES: Final = 10
TRIES_EACH: Final = 900.0


class Devices:
    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._throttle = Throttle(TRIES, per_seconds=TRIES_EACH)

    def mark(self, service: str, name: str) -> str:
        """For a browser from which `name`'s password was right."""
        nonce = secrets.token_hex(12)
        return f"{nonce}.{self._sign(service, name, nonce)}"

    def is_known(self, service: str, name: str, mark: str) -> bool:
        """Whether the mark is of this name. Raises `CallerError` (429) where too much was tried from it."""
        nonce, _, sign = mark.partition(".")
        if not nonce or not sign.isascii() or not hmac.compare_digest(sign, self._sign(service, name, nonce)):
            return False
        self._throttle.count(nonce)
        return True

    def forgive(self, mark: str) -> None:
        self._throttle.forgive(mark.partition(".")[0])

    def _sign(self, service: str, name: str, nonce: str) -> str:
        return self._master.lookup(service, f"device\0{nonce}\0{name}")
