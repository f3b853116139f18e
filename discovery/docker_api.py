"""Docker API: list, inspect, events.  The only importer of `docker`, and the border of its threads.

Only reading calls are made (version, ping, events, container list and inspect,
network list), so it works behind a socket proxy that allows nothing else.
The library blocks, its constructor and its import included, so all of it
happens in threads.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from discovery.container import Container, Listed, from_inspect, from_list
from discovery.engine import EngineError, Unreadable
from discovery.engine_faults import explain
from discovery.event_stream import ACTIONS, Stream, pump
from discovery.networks import LOOPBACK, Own
from discovery.whereabouts import accepts, host_alias, own_container
from discovery.workers import Workers, hand_over

if TYPE_CHECKING:
    from docker import APIClient

    from discovery.ssh import Tunnel

T = TypeVar("T")

LOCAL_SOCKET = "unix:///var/run/docker.sock"
SPOKEN = (1, 44)  # the newest API version that this was written against; older and newer engines are met
OLDEST = "1.24"
MOST_INSPECTS = 8  # at once: a hundred new containers must not become a hundred connections
TIMEOUT = 20
LONGEST_WORDS = 200
MOST_JOINED = 5  # the engine itself refuses more than one; whoever stands before it may not
REACHABLE_FROM_HOST = ("bridge",)  # macvlan, ipvlan and overlay addresses do not answer their own host


@dataclass(slots=True)
class Engine:
    """One engine at a URL: unix, tcp (TLS by DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), http(s) or ssh."""

    url: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _workers: Workers = field(default_factory=lambda: Workers("docker", MOST_INSPECTS))
    _client: APIClient | None = None
    _tunnel: Tunnel | None = None

    def __post_init__(self) -> None:
        self.url = self.url or self.environ.get("DOCKER_HOST", "") or LOCAL_SOCKET

    async def connect(self) -> str:
        return await self._aside(self._connect)

    async def answers(self) -> bool:
        return await self._workers.run(lambda: accepts(self.url))

    async def list_containers(self) -> tuple[Listed, ...]:
        entries = await self._ask(lambda client: client.containers())
        return tuple(map(from_list, entries))

    async def list_all(self) -> tuple[Listed, ...]:
        """Those that do not run, too: for questions, not for watching."""
        entries = await self._ask(lambda client: client.containers(all=True))
        return tuple(map(from_list, entries))

    async def inspect(self, container: str) -> Container | None:
        return await self._ask(lambda client: _inspect(client, container))

    async def own(self, listed: Mapping[str, Listed]) -> Own:
        return await self._ask(lambda client: _own(client, listed))

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[Stream]:
        loop = asyncio.get_running_loop()
        stream = Stream()
        subscribed: asyncio.Future[Any] = loop.create_future()

        def listen() -> None:
            try:
                events = _subscribe(self._connected())
            except Exception as error:  # handed over: it belongs to whoever subscribes
                fault = self._fault(error)
                hand_over(loop, lambda: None if subscribed.done() else subscribed.set_exception(fault))
                return
            hand_over(loop, lambda: events.close() if subscribed.done() else subscribed.set_result(events))
            pump(events, loop, stream, self._fault)

        threading.Thread(target=listen, name="docker-events", daemon=True).start()
        try:
            async with asyncio.timeout(TIMEOUT):
                events = await subscribed
        except TimeoutError:
            raise EngineError(f"The engine at {self.url} accepts no subscription to its events.") from None
        try:
            yield stream
        finally:
            await self._workers.run(lambda: _close(events))

    async def close(self) -> None:
        if self._tunnel is not None:
            await self._workers.run(self._tunnel.close)
        self._workers.close()

    async def _ask(self, call: Callable[[APIClient], T]) -> T:
        return await self._aside(lambda: call(self._connected()))

    async def _aside(self, call: Callable[[], T]) -> T:
        return await self._workers.run(lambda: self._explained(call))

    def _explained(self, call: Callable[[], T]) -> T:
        """The call's result; what goes wrong is explained here, in the thread, for it looks at files."""
        try:
            return call()
        except EngineError:
            raise
        except Exception as error:
            raise self._fault(error) from error

    def _fault(self, error: BaseException) -> EngineError:
        said = self._tunnel.last_words() if self._tunnel else ""
        return EngineError(f"{self.url}: {said}") if said else explain(error, self.url)

    def _connected(self) -> APIClient:
        if self._client is None:
            raise EngineError("There is no connection to the engine yet.")
        return self._client

    def _connect(self) -> str:
        """Agree on an API version: the newest that both sides know."""
        if self.url.startswith("ssh://") and self._tunnel is None:
            from discovery.ssh import Tunnel  # only who asks by ssh pays for it

            self._tunnel = Tunnel(self.url, self.environ)
            self._tunnel.open()
        url = self._tunnel.local if self._tunnel else self.url
        probe = _client(url, self.environ, OLDEST)
        try:
            told = _version(probe)
        finally:
            probe.close()
        if self._client is not None:
            self._client.close()
        self._client = _client(url, self.environ, choose_version(*told[:2]))
        return f"{told[2]} answers at {self.url}, API {self._client.api_version}."


def choose_version(newest: str, oldest: str) -> str:
    """The API version to speak with an engine that knows versions from `oldest` to `newest`."""
    wanted = max(min(SPOKEN, _numbers(newest)), _numbers(oldest))
    return ".".join(map(str, wanted))


def _client(url: str, environ: Mapping[str, str], version: str) -> APIClient:
    import docker
    from docker.utils import kwargs_from_env

    settings = kwargs_from_env({**environ, "DOCKER_HOST": url})
    client = docker.APIClient(version=version, timeout=TIMEOUT, **settings)
    client.trust_env = False  # HTTP_PROXY is for the internet, never for the engine
    return client


def _version(client: APIClient) -> tuple[str, str, str]:
    """Newest and oldest API version and the engine's name; a proxy may allow only the ping."""
    import docker

    try:
        told = client.version(api_version=False)
    except docker.errors.APIError:
        answer = client.get(f"{client.base_url}/_ping", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.headers.get("Api-Version", OLDEST), OLDEST, answer.headers.get("Server", "An engine")
    return told["ApiVersion"], told.get("MinAPIVersion", OLDEST), f"Docker {told.get('Version', '')}"


def _inspect(client: APIClient, container: str) -> Container | None:
    import docker

    try:
        return from_inspect(client.inspect_container(container))
    except docker.errors.NotFound:
        return None
    except docker.errors.APIError as error:
        if not error.is_server_error():
            raise
        raise Unreadable(str(error.explanation or error)[:LONGEST_WORDS]) from error


def _subscribe(client: APIClient) -> Any:
    events: Any = client.events(
        decode=True, filters={"type": ["container", "network"], "event": list(ACTIONS)}
    )
    events._response.raise_for_status()  # the library looks at the status only with the first event
    return events


def _close(events: Any) -> None:
    """End the stream; the thread that reads it wakes up and ends."""
    try:
        events.close()
    except (OSError, AttributeError):
        return  # it had ended by itself


def _own(client: APIClient, listed: Mapping[str, Listed]) -> Own:
    me = own_container(listed)
    container = _stands_in(client, me) if me else None
    if container is None or container.network_mode == "host":
        return Own(_bridges(client, listed), me)
    gateways = [gateway for _, gateway in sorted(container.gateways.items()) if gateway]
    host = host_alias() or (gateways or [LOOPBACK])[0]
    return Own(frozenset(container.networks), me, host, stands_in=container.id)


def _stands_in(client: APIClient, me: str) -> Container | None:
    """The container whose network the proxy uses: its own, or another's (`network_mode: container:vpn`)."""
    container = _inspect(client, me)
    for _ in range(MOST_JOINED):
        if container is None or not container.joined:
            return container
        container = _inspect(client, container.joined)
    return container


def _bridges(client: APIClient, listed: Mapping[str, Listed]) -> frozenset[str]:
    """The networks whose addresses answer the host; all in use where the list is not allowed."""
    import docker

    try:
        networks = client.networks()
    except docker.errors.APIError:
        return frozenset(name for each in listed.values() for name in each.glance.networks)
    return frozenset(each["Name"] for each in networks if each.get("Driver") in REACHABLE_FROM_HOST)


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts if part.isdigit())
