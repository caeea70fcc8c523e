"""What is measured: each target is started as its own process, or is left out or failed with the reason why."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from bench.asks import KEY, MODELS, PEOPLE, person
from bench.procfs import pinned_to

ROOT = Path(__file__).resolve().parent.parent
NGINX = Path("/usr/sbin/nginx")


class NotInstalled(Exception):  # noqa: N818  a state of the machine, not a mistake
    """The target is not on this machine."""


class FailedToStart(Exception):  # noqa: N818  told in the report, not raised to anybody
    """The target is here but did not answer."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Something that answers on a port; `pid` is the proxy in between, where there is one."""

    name: str
    port: int
    pid: int | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where targets are started: what ends them, their folder, the upstream, the core they stand on."""

    stack: ExitStack
    folder: Path
    upstream: int
    core: int
    litellm_python: Path | None


def start_upstream(stack: ExitStack, folder: Path) -> int:
    """Starts the fake model on this process's own core and gives its port."""
    port = _free_port()
    process = _started(stack, [sys.executable, "-m", "bench.upstream", "--port", str(port)], folder / "upstream.log")
    _wait_until_answering(process, port, folder / "upstream.log", seconds=10)
    return port


def start(name: str, place: Place) -> Target:
    """Starts a target by name and waits until it answers; raises `NotInstalled` or `FailedToStart`."""
    with pinned_to(place.core):
        return STARTERS[name](place)


def _direct(place: Place) -> Target:
    return Target(name="direct", port=place.upstream, pid=None)


def _nginx(place: Place) -> Target:
    if not NGINX.exists():
        raise NotInstalled
    port, folder = _free_port(), place.folder / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(_NGINX_CONF.format(folder=folder, port=port, upstream=place.upstream))
    started = _target(place, "nginx", port, [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")])
    return replace(started, note=_said([str(NGINX), "-v"]).removeprefix("nginx version: "))


def _aiohttp(place: Place) -> Target:
    port = _free_port()
    command = [sys.executable, "-m", "bench.passthrough_aiohttp", "--port", str(port)]
    started = _target(place, "aiohttp", port, [*command, "--upstream", f"http://127.0.0.1:{place.upstream}"])
    return replace(started, note=f"aiohttp {version('aiohttp')} on uvloop {version('uvloop')}")


def _shouban(place: Place) -> Target:
    started = start_service(place, "shouban", place.folder / "shouban", f"http://127.0.0.1:{place.upstream}/v1")
    return replace(started, note=_register_people(started.port))


def start_service(place: Place, name: str, data: Path, upstream: str) -> Target:
    """Starts our service over a data directory, which it makes where there is none."""
    command = Path(sys.executable).with_name("shouban")
    if not command.exists():
        raise NotInstalled
    port = _free_port()
    arguments = ["serve", "--port", str(port), "--data", str(data), "--upstream", upstream]
    more = {"SHOUBAN_SERVICE_KEY": KEY, "SHOUBAN_ADMIN_PASSWORD": "bench-administrator-1"}
    return _target(place, name, port, [str(command), *arguments], more, seconds=30)


def _litellm(place: Place) -> Target:
    python = place.litellm_python or Path(sys.executable)
    command = python.with_name("litellm")
    if not command.exists():
        raise NotInstalled
    port, config = _free_port(), place.folder / "litellm.yaml"
    models = [_litellm_model(model, place.upstream) for model in MODELS]
    # JSON is YAML.
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
    arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    more = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
    started = _target(place, "litellm", port, [str(command), *arguments, "--telemetry", "False"], more, seconds=120)
    return replace(
        started,
        note=_said([str(python), "-c", "import importlib.metadata as m; print('litellm', m.version('litellm'))"]),
    )


STARTERS: Mapping[str, Callable[[Place], Target]] = {
    "direct": _direct,
    "nginx": _nginx,
    "aiohttp": _aiohttp,
    "shouban": _shouban,
    "litellm": _litellm,
}


def _litellm_model(model: str, upstream: int) -> dict[str, object]:
    address = f"http://127.0.0.1:{upstream}/v1"
    return {"model_name": model, "litellm_params": {"model": f"openai/{model}", "api_base": address, "api_key": KEY}}


def _target(
    place: Place,
    name: str,
    port: int,
    command: Sequence[str],
    more: Mapping[str, str] | None = None,
    *,
    seconds: float = 10,
) -> Target:
    """Starts the command and waits until it carries a request through to the upstream."""
    log = place.folder / f"{name}.log"
    process = _started(place.stack, command, log, more or {})
    _wait_until_answering(process, port, log, seconds=seconds)
    return Target(name=name, port=port, pid=process.pid)


def _started(
    stack: ExitStack, command: Sequence[str], log: Path, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    return stack.enter_context(_running(command, log, {**os.environ, **(more or {})}))


@contextmanager
def _running(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in its own session, ended with its children when the context ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks the process to end, and after a while ends what is left of its session."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_answering(process: subprocess.Popen[bytes], port: int, log: Path, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    last = "no answer"
    while time.monotonic() < until:
        if process.poll() is not None:
            raise FailedToStart(f"ended with {process.returncode}: {_last_line(log)}")
        try:
            status, _ = _call(port, "GET", "/v1/models")
        except (OSError, http.client.HTTPException) as error:
            last = str(error) or type(error).__name__
        else:
            if status == 200:
                return
            last = f"GET /v1/models gave {status}"
        time.sleep(0.05)
    raise FailedToStart(f"not ready after {seconds:.0f} s: {last}; {_last_line(log)}")


def _register_people(port: int) -> str:
    """Makes the people of the bench known; what went wrong, otherwise nothing."""
    for number in range(PEOPLE):
        profile = {"id": person(number), "age_band": "adult", "age_basis": "declared"}
        try:
            status, answer = _call(port, "POST", "/v1/users", profile)
        except (OSError, http.client.HTTPException) as error:
            return f"people not registered: POST /v1/users failed: {error}"
        if status >= 400:
            return f"people not registered: POST /v1/users gave {status} {answer[:200]}"
    return ""


def _call(port: int, method: str, path: str, document: object = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if document is None else json.dumps(document), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _said(command: Sequence[str]) -> str:
    """What a short command prints, as programs name their version."""
    finished = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return (finished.stdout + finished.stderr).strip()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


_NGINX_CONF = """\
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_buffer_size 64k;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream model {{
    server 127.0.0.1:{upstream};
    keepalive 512;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""
