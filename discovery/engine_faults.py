"""Engine faults: why an engine cannot be asked, and what to do about it, in a sentence."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from discovery.engine import EngineError
from discovery.whereabouts import inside

FORBIDDEN = 403
HOST_SOCKET = "/var/run/docker.sock"


def explain(error: BaseException, url: str) -> EngineError:
    """The fault as its owner can mend it; called in a thread, for it looks at the socket."""
    if isinstance(error, EngineError):
        return error
    causes = tuple(_causes(error))
    if any(isinstance(cause, PermissionError) for cause in causes):
        return EngineError(_not_permitted(url))
    if any(isinstance(cause, FileNotFoundError) for cause in causes):
        return EngineError(_not_there(url))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return EngineError(f"Nobody answers at {url}. Is the engine running?")
    for cause in causes:
        response = getattr(cause, "response", None)
        if getattr(response, "status_code", None) == FORBIDDEN:
            return EngineError(_forbidden(url, getattr(response, "url", "")))
    if any("certificate" in str(cause).lower() or "SSL" in type(cause).__name__ for cause in causes):
        return EngineError(
            f"TLS with {url} fails: {_short(causes[-1])} "
            "DOCKER_CERT_PATH names the directory with ca.pem, cert.pem and key.pem."
        )
    return EngineError(f"The engine at {url} cannot be asked: {_short(error)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: urllib3 and requests put the real one into `args`."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = (*cause.args, cause.__cause__, cause.__context__, getattr(cause, "reason", None))
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _not_permitted(url: str) -> str:
    path = _path(url)
    try:
        found = path.stat()
        group = f"group {found.st_gid}, mode {stat.S_IMODE(found.st_mode):o}"
        number = str(found.st_gid)
    except OSError:
        group, number = "unknown group", "GID"
    return (
        f"Permission denied on {path} ({group}); Tidegate runs as user {os.getuid()}. "
        f'On the host: usermod -aG docker USER. In compose: group_add: ["{number}"].'
    )


def _not_there(url: str) -> str:
    path = _path(url)
    if inside():
        mount = f'In compose: volumes: ["{HOST_SOCKET}:{HOST_SOCKET}:ro"]'
        elsewhere = "" if str(path) == HOST_SOCKET else f", and --docker unix://{HOST_SOCKET}"
        return f"There is no socket at {path}. Is the engine running? {mount}{elsewhere}."
    return f"There is no socket at {path}. Start Docker, or say where it listens: --docker unix:///PATH"


def _forbidden(url: str, asked: str) -> str:
    what = asked.partition("//")[2].partition("/")[2].partition("?")[0]
    return (
        f"{url} refuses GET /{what}. A socket proxy has to allow reading "
        "containers, networks, events and version (CONTAINERS=1, NETWORKS=1, EVENTS=1, VERSION=1)."
    )


def _path(url: str) -> Path:
    return Path(url.partition("://")[2] or url)


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."
