"""Serve: the dashboard's two doors, its address and the control socket in the data directory."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog

from tidegate.addresses import Address, Off
from tidegate.control import NAME, AlreadyRunning, socket_path
from tidegate.dashboard import Act, Dashboard, Why
from tidegate.dashboard.door import opened
from tidegate.refused_address import refused_dashboard
from tidegate.status import Status

log = structlog.get_logger("tidegate.dashboard")


@asynccontextmanager
async def open_dashboard(
    status: Callable[[], Status],
    data: Path,
    address: Address | Off,
    why: Why | None = None,
    acts: Mapping[str, Act] | None = None,
    certs: Callable[[], Awaitable[object]] | None = None,
) -> AsyncIterator[tuple[Address, ...]]:
    """Serve until the end of the block; yields the addresses bound.

    Sites are worth more than their dashboard: a door that cannot be opened is
    logged and left shut.  Only a second instance on one data directory raises.
    """
    async with AsyncExitStack() as doors:
        try:
            control, own = await asyncio.to_thread(claim_socket, data)
        except OSError as error:
            log.warning("no control socket", path=str(data / NAME), reason=str(error))
        else:
            told = Dashboard(status, why, acts=acts or {}, certs=certs)
            doors.push_async_callback(asyncio.to_thread, give_up_socket, data, own)
            await doors.enter_async_context(opened(told.answer, sock=control))
        bound: tuple[Address, ...] = ()
        if isinstance(address, Address):
            # Answers tell of containers that ask for nothing, too: whoever is not here is not told.
            local = address.is_loopback
            shown = Dashboard(status, why if local else None, local_only=local, certs=certs)
            place = {"host": address.bind_host, "port": address.port}
            try:
                bound = await doors.enter_async_context(opened(shown.answer, **place))
            except OSError as error:
                log.error(refused_dashboard(address, error.errno))
        yield bound


def claim_socket(data: Path) -> tuple[socket.socket, tuple[int, int]]:
    """The control socket, bound but not yet listening, open to its user alone, and which file it is."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with socket_path(data) as path:
        remove_dead_socket(path, data)
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            control.bind(path)
            Path(path).chmod(0o600)  # nobody can connect before it listens
        except OSError:
            control.close()
            raise
    control.setblocking(False)
    return control, socket_identity(data)


def remove_dead_socket(path: str, data: Path) -> None:
    """A killed instance leaves its socket behind; a living one answers on it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            if stat.S_ISSOCK(Path(path).stat().st_mode):
                Path(path).unlink(missing_ok=True)
            return
    raise AlreadyRunning(f"Another Tidegate is running with the data directory {data}.")


def socket_identity(data: Path) -> tuple[int, int]:
    found = (data / NAME).stat()
    return found.st_dev, found.st_ino


def give_up_socket(data: Path, own: tuple[int, int]) -> None:
    """Remove the socket, unless another instance has put its own there."""
    try:
        if socket_identity(data) == own:
            (data / NAME).unlink()
    except FileNotFoundError:
        return
