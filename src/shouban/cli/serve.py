"""`shouban serve`: one port for everything."""

from __future__ import annotations

import ctypes
import gc
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import structlog
import uvicorn
from cyclopts import Parameter

from shouban.core.errors import OperatorError
from shouban.detectors.words import shipped_words
from shouban.settings import Settings, read_settings, settings_table

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
SHUT_DOWN_SECONDS = 10
BACKLOG = 4096
# uvloop takes in one connection a socket for each turn of its loop (libuv pull request 3696). On a busy core a turn is long, and whoever connects
# anew would wait for thousands before them: over so many sockets that are the same, so many come in at once.
DOORS = 32
# Source: mallopt(3).
M_ARENA_MAX = -8
# The writer's thread must not hold up a reply: by default it may keep the interpreter for 5 ms at a time.
SWITCH_SECONDS = 0.0005
# A request makes some thousand objects that end with it: the default of 700 would look for garbage several times in each.
GC_THRESHOLDS = (10_000, 20, 20)


def serve(
    *,
    port: int | None = None,
    host: str | None = None,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    upstream: str | None = None,
    pack: str | None = None,
    database: str | None = None,
    delivery: Literal["inline", "aware"] | None = None,
    production: Annotated[bool | None, Parameter(negative="")] = None,
    config: Path | None = None,
) -> int:
    """Serve the gateway, the pages and the log on one port.

    Example: `shouban serve --port 8460 --data shouban-data --upstream http://127.0.0.1:8000/v1`

    Settings of `shouban.toml`, each also in the environment as SHOUBAN_ and its name in capitals:

    SETTINGS

    Parameters
    ----------
    port
        The port to listen on.
    host
        The address to listen on.
    data
        The service's own directory: keys and, by default, its SQLite database. Made on the first start.
    upstream
        The model behind: `http(s)://HOST/v1`, or `scripted` for the built-in demonstration.
    pack
        The law: `cn`, `cn-2026-order21`, `cn-2025-draft`, or a pack's directory.
    database
        `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.
    delivery
        How notices reach clients that do not say: in the text, or as a `shouban` object.
    production
        Refuse what is for tests only, and users who were never registered.
    config
        `shouban.toml`; every key also as SHOUBAN_KEY in the environment.

    """
    flags: dict[str, Any] = {
        "port": port, "host": host, "data": str(data) if data else None, "upstream": upstream, "pack": pack,
        "database": database, "delivery": delivery, "production": production,
    }  # fmt: skip
    settings = read_settings(config or _beside(), os.environ, flags)
    return run(settings)


def _beside() -> Path | None:
    file = Path("shouban.toml")
    return file if file.exists() else None


def spare_pauses() -> None:
    """What was made at start stays for good: the collector need not walk it again, 70 ms each time, while somebody waits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def spare_memory() -> None:
    """One heap for all threads, and what reading laws and lists took goes back to the machine (glibc; elsewhere nothing)."""
    libc = ctypes.CDLL(None)
    for name, arguments in (("mallopt", (M_ARENA_MAX, 1)), ("malloc_trim", (0,))):
        call = getattr(libc, name, None)
        if call is not None:
            gc.collect()
            call(*arguments)


def run(settings: Settings, *, quiet: bool = False) -> int:
    """Opens the store, prints keys made just now, and serves until it is told to stop."""
    set_up_log(settings.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
    door = listener(settings)
    # To be built, the word lists need as much memory again as they keep: before all else is loaded, it shows least.
    shipped_words()
    spare_memory()
    from shouban.app import build_app, first_admin, open_store, service_keys  # noqa: PLC0415  # see above

    store = open_store(settings)
    keys, made = service_keys(settings, store.data)
    password = first_admin(settings, store.data)
    app = build_app(settings, store, keys)
    spare_memory()
    spare_pauses()
    if not quiet:
        tell(settings, made, password)
    config = uvicorn.Config(
        app.asgi,
        host=settings.host, port=settings.port, loop="uvloop", http="httptools", ws="none", lifespan="on", log_level="warning",
        access_log=False, server_header=False, proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None, timeout_graceful_shutdown=SHUT_DOWN_SECONDS, timeout_keep_alive=75, backlog=BACKLOG,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.run(sockets=as_many(door))
    return 0 if server.started else 2


def listener(settings: Settings) -> socket.socket:
    """The port, taken before anything else is opened: who cannot be reached need not begin."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "no such port"
        raise OperatorError(
            f"port {settings.port} of `{settings.host}` cannot be listened on ({why}); name another `--port`"
        ) from error


def as_many(door: socket.socket) -> list[socket.socket]:
    """The same listening socket again and again, each to be waited on by itself."""
    return [door, *(door.dup() for _ in range(DOORS - 1))]


def tell(settings: Settings, made: dict[str, str], password: str | None) -> None:
    print(
        f"守伴 Shouban  http://{settings.host}:{settings.port}/   data: {settings.data}   upstream: {settings.upstream}"
    )
    for service, key in made.items():
        print(f"service key of `{service}` (shown once): {key}")
    if password:
        print(f"administrator `admin`, password (shown once): {password}")
    sys.stdout.flush()


def set_up_log(level: str) -> None:
    """Structured lines on standard error; no text of anybody's, no secret."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def settings_help() -> str:
    """The settings as `serve --help` lists them."""
    return "; ".join(f"{name} ({form}{f', {default}' if default else ''})" for name, form, default in settings_table())


serve.__doc__ = (serve.__doc__ or "").replace("SETTINGS", settings_help())
