"""A real-name provider over HTTP: whether name and identity number belong together. The number goes there and nowhere else, and is not kept.

`POST identity_url` with `{"name", "id_number"}` and `Authorization: Bearer identity_key`; the provider, or a few lines before it, answers
`{"match": true | false}`. Whatever else it answers is no answer, and nobody is verified by it (fail closed).
"""

from __future__ import annotations

from typing import Final

import msgspec

from shouban.core.errors import OperatorError
from shouban.duties.loading import loaded

WITHIN_SECONDS: Final = 10


class Found(msgspec.Struct):
    match: bool


class HttpIdentity:
    """See `duties.ports.IdentityPort`."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    async def __call__(self, name: str, number: str) -> bool:
        await loaded("aiohttp")
        import aiohttp  # noqa: PLC0415  # as in `channels`: for who uses it

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = aiohttp.ClientTimeout(total=WITHIN_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as client,
                client.post(self._url, json={"name": name, "id_number": number}, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise OperatorError(f"the real-name provider answered {answer.status}; nobody was verified")
                return msgspec.json.decode(await answer.read(), type=Found).match
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, msgspec.MsgspecError) as error:
            raise OperatorError(
                "the real-name provider cannot be reached, or gave no answer; nobody was verified"
            ) from error
