"""Town: containers around the image's: an authority, a visitor, apps; all of it goes again."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from compose.image import debian
from compose.image.archive import packed
from tests.authority import write_endpoint
from tests.integration.crowd import IMAGE as APP
from tests.pebble import find_programs
from tests.program import eventually

ARCHITECTURE = os.environ.get("TIDEGATE_TEST_ARCHITECTURE") or debian.machine()
PACE = 1 if debian.machine() == ARCHITECTURE else 10
"""How much longer everything may take: an emulated start is some ten seconds."""
SOCKET = "/var/run/docker.sock"
HERE = Path(__file__).parent
PEBBLE = {
    "listenAddress": "0.0.0.0:14000",
    "managementListenAddress": "0.0.0.0:15000",
    "certificate": "/ca/endpoint.pem",
    "privateKey": "/ca/endpoint.key",
    "httpPort": 80,
    "tlsPort": 443,
    "profiles": {"default": {"description": "the only one", "validityPeriod": 90 * 86400}},
    "retryAfter": {"authz": 1, "order": 1},
}
START_PEBBLE = (
    "/ca/pebble-challtestsrv -dnsserver :8053 -doh '' -http01 '' -https01 '' -tlsalpn01 '' -management :8055"
    " -defaultIPv6 '' & exec /ca/pebble -strict -config /ca/pebble.json -dnsserver 127.0.0.1:8053"
)
HARDENED: dict[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "cap_add": ["SETUID", "SETGID"],
    "security_opt": ["no-new-privileges:true"],
}
"""As docs/container.md recommends."""


class Town:
    """A network with an authority and a visitor on it."""

    def __init__(self, url: str, image: str, base: str, folder: Path) -> None:
        self.engine = docker.DockerClient(base_url=url, timeout=120)
        self.socket = url.removeprefix("unix://")
        self.image, self.base, self.folder = image, base, folder
        self.mark = f"town-{uuid.uuid4().hex[:8]}"
        self.containers: list[Container] = []
        self.networks: list[Network] = []
        self.front = self.network("front")

    def close(self) -> None:
        self.clear(0)
        for network in self.networks:
            network.remove()
        self.engine.close()

    def clear(self, keep: int) -> None:
        """Remove all but the first `keep` containers, and their volumes."""
        while len(self.containers) > keep:
            self.remove(self.containers[-1], volumes=True)

    def remove(self, container: Container, *, volumes: bool = False) -> None:
        container.remove(force=True, v=volumes)
        self.containers.remove(container)

    def network(self, name: str) -> Network:
        self.networks.append(self.engine.networks.create(f"{self.mark}-{name}", driver="bridge"))
        return self.networks[-1]

    def create(self, image: str, *command: str, **options: Any) -> Container:
        if "network_mode" not in options:
            options.setdefault("network", self.front.name)
        container = self.engine.containers.create(image, list(command) or None, **options)
        self.containers.append(container)
        return container

    # The four kinds of containers

    def authority(self) -> Container:
        """Pebble, which sends every name to the address that `lead_names_to` says."""
        programs = find_programs()
        assert programs is not None
        write_endpoint(self.folder)
        (self.folder / "endpoint-ca.pem").chmod(0o644)
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": PEBBLE}))
        quick = {"PEBBLE_VA_SLEEPTIME": "3"}
        container = self.create(
            self.base, "sh", "-c", START_PEBBLE, working_dir="/ca", environment=quick, init=True
        )
        files = [self.folder / name for name in ("endpoint.pem", "endpoint.key", "pebble.json")]
        container.put_archive(
            "/", packed(*files, Path(programs.pebble), Path(programs.challtestsrv), under="ca")
        )
        self.networks[0].disconnect(container)
        self.networks[0].connect(container, aliases=["pebble"])
        container.start()
        container.reload()
        return container

    def visitor(self) -> Container:
        container = self.create(self.base, "sleep", "infinity", init=True)
        container.put_archive("/", packed(HERE / "visit.py", under="tmp"))
        container.start()
        return container

    def app(self, name: str, labels: dict[str, str], others: Sequence[Network] = ()) -> Container:
        """An app on the front network and on `others`; every answer of it says its name."""
        container = self.create(APP, labels=labels, environment={"APP": name}, stop_signal="SIGKILL")
        for network in others:
            network.connect(container)
        container.start()
        container.reload()
        return container

    def tidegate(self, *flags: str, mounts: dict[str, str] | None = None, **options: Any) -> Container:
        """The image with the engine's socket; every name leads to it.  `mounts`: more sources and places."""
        ca = {str(self.folder / "endpoint-ca.pem"): "/ca.pem"}
        places = {self.socket: SOCKET, **ca, **(mounts or {})}
        container = self.create(
            self.image,
            *("run", "--acme-ca", "https://pebble:14000/dir", "--acme-ca-bundle", "/ca.pem", *flags),
            volumes=[f"{source}:{place}" for source, place in places.items()],
            **options,
        )
        container.start()
        if "network_mode" not in options:
            self.lead_names_to(address_of(container))
        return container

    # What is asked

    def lead_names_to(self, address: str) -> None:
        request = urllib.request.Request(
            f"http://{address_of(self.containers[0])}:8055/set-default-ipv4",
            json.dumps({"ip": address}).encode(),
        )

        def told() -> bool:
            with urllib.request.urlopen(request, timeout=5):
                return True

        in_time(told)  # the authority may still be starting

    def issuing_root(self) -> str:
        trust = ssl.create_default_context(cafile=str(self.folder / "endpoint-ca.pem"))
        trust.check_hostname = False  # asked by its address; the name is for Tidegate
        url = f"https://{address_of(self.containers[0])}:15000/roots/0"

        def answer() -> str:
            with urllib.request.urlopen(url, timeout=5, context=trust) as answer:
                return str(answer.read().decode())

        return str(in_time(answer))  # the authority may still be starting

    def trust(self, root: str) -> None:
        """Let the visitor trust it."""
        (self.folder / "root.pem").write_text(root)
        self.containers[1].put_archive("/", packed(self.folder / "root.pem", under="tmp"))

    def visit(self, host: str, address: str, *, port: int = 443, tls: bool = True) -> dict[str, Any]:
        trust = "/tmp/root.pem" if tls else "none"
        status, said = self.containers[1].exec_run(
            ["python3", "/tmp/visit.py", host, address, str(port), trust]
        )
        if status:
            raise OSError(said.decode()[-400:])
        answer = json.loads(said)
        assert isinstance(answer, dict)
        return answer


def in_time(question: Callable[[], Any], within: float = 20) -> Any:
    """Ask until the answer is true, and return it."""
    return eventually(question, within=within * PACE, every=0.25)


def address_of(container: Container) -> str:
    """Its address on the first of its networks."""
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(network["IPAddress"] for network in networks.values() if network["IPAddress"]))


def asked(container: Container, *command: str) -> tuple[int, str]:
    """`docker exec`: the exit status and all that was written."""
    status, said = container.exec_run(list(command))
    return status, said.decode()


def log_of(container: Container) -> str:
    return str(container.logs().decode(errors="replace"))


def processes(container: Container) -> dict[int, str]:
    """Its first process and that one's children, by their number on this machine (proc(5), status)."""
    container.reload()
    first = container.attrs["State"]["Pid"]
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return {int(pid): Path(f"/proc/{pid}/status").read_text() for pid in (first, *children)}


def proportional(pid: int) -> int:
    """The proportional set size (proc(5), smaps_rollup), KiB."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s+(\d+)", rows, re.MULTILINE)[0])


def free_low_port() -> int:
    """A port of this machine that is for root alone (ip(7), ip_unprivileged_port_start)."""
    for port in range(600, 1024):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("every low port is taken")
