"""The reference: aiohttp's server and client joined with nothing between; `python -m bench.passthrough_aiohttp`."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web

_KEPT = ("Content-Type", "Authorization")
_CLIENT = web.AppKey("client", aiohttp.ClientSession)


def passthrough(upstream: str) -> web.Application:
    """An application that carries every request to `upstream` and streams the answer back as it comes."""

    async def carry(request: web.Request) -> web.StreamResponse:
        headers = {name: request.headers[name] for name in _KEPT if name in request.headers}
        body = await request.read()
        client = request.app[_CLIENT]
        async with client.request(request.method, upstream + request.path_qs, data=body, headers=headers) as answer:
            kind = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
            if answer.content_length is not None:
                return web.Response(status=answer.status, body=await answer.read(), headers=kind)
            response = web.StreamResponse(status=answer.status, headers=kind)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", carry)
    app.cleanup_ctx.append(_with_client)
    return app


async def _with_client(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False) as client:
        app[_CLIENT] = client
        yield


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.passthrough_aiohttp", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True, help="as http://127.0.0.1:PORT")
    given = parser.parse_args()
    app = passthrough(given.upstream.rstrip("/"))
    web.run_app(app, host="127.0.0.1", port=given.port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main()
