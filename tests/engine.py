"""Engine: a Docker engine for tests and the demo, and images that need no registry.

Whoever wants one says `with running_engine() as url:`.  An engine that
answers at DOCKER_HOST or the usual socket is used as it is; otherwise, as root,
a dockerd of our own is started with its own data, state, socket and bridge,
and all of it is removed afterwards.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import signal
import socket
import struct
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import docker

USUAL_SOCKET = "unix:///var/run/docker.sock"
BUSYBOX = ("/bin/busybox", "/usr/bin/busybox")
START_WITHIN = 40.0
LONGEST_DIRECTORY = 60  # the name of a unix socket has at most 107 characters
SIOCBRADDBR, SIOCBRDELBR, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS = 0x89A0, 0x89A1, 0x8916, 0x891C, 0x8914
IFF_UP, IFF_RUNNING = 0x1, 0x40


class NoEngineError(Exception):
    """There is no engine and none can be started; the text says what is missing."""


@dataclass
class Daemon:
    """A dockerd of our own: data, state, socket and pid file under one directory, and a bridge."""

    directory: Path
    bridge: Bridge
    kept: Path | None = None
    """Where images and layers are kept for the next time; without it they go with the daemon."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.directory}/docker.sock"

    @property
    def data(self) -> Path:
        return self.kept or self.directory / "data"

    def start(self) -> None:
        log = (self.directory / "log").open("ab")
        command = [
            "dockerd",
            f"--data-root={self.data}",
            f"--exec-root={self.directory}/exec",
            f"--pidfile={self.directory}/pid",
            f"--host={self.url}",
            f"--bridge={self.bridge.name}",  # docker0 may be another engine's
            f"--default-address-pool=base={self.bridge.pool},size=24",
            "--iptables=false",  # another engine's firewall rules stay as they are
            "--ip6tables=false",
            "--ip-masq=false",
            "--shutdown-timeout=2",
        ]
        with log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_WITHIN
        while not answers(self.url):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise NoEngineError(f"dockerd does not start: {self._last_words()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """As if the power of the engine alone failed: its containers run on."""
        self._end(signal.SIGKILL)
        self._stop_containerd()

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        self._stop_containerd()
        self._end_orphans()
        self.bridge.remove()
        for mount in self._mounts():
            subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def end_leftover(self) -> None:
        """End the dockerd of an earlier run that could not clean up after itself."""
        with suppress(OSError, ValueError):
            pid = int((self.directory / "pid").read_text())
            process = Path(f"/proc/{pid}")
            if str(self.directory) not in (process / "cmdline").read_text(errors="replace"):
                return
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 20
            while process.exists() and time.monotonic() < deadline:
                time.sleep(0.05)

    def _stop_containerd(self) -> None:
        """dockerd's own containerd may outlive it when dockerd had to be killed.

        Its pid file goes, too: where nobody reaps orphans the dead process
        still has its number, and the next dockerd would wait for it.
        """
        pid_file = self.directory / "exec/containerd/containerd.pid"
        if pid_file.exists():
            pid = int(pid_file.read_text())
            with suppress(OSError):
                if str(self.directory) in Path(f"/proc/{pid}/cmdline").read_text(errors="replace"):
                    os.kill(pid, signal.SIGKILL)
            pid_file.unlink()

    def _end_orphans(self) -> None:
        """Containers of an engine that was killed and did not come back, and their shims."""
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"{self.directory}/exec/containerd" in command.read_text(errors="replace"):
                    children = (command.parent / "task" / command.parent.name / "children").read_text()
                    for pid in (*children.split(), command.parent.name):
                        os.kill(int(pid), signal.SIGKILL)

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        places = (f"{self.directory}/", f"{self.data}/")
        ours = [line.split()[4] for line in lines if line.split()[4].startswith(places)]
        return sorted(ours, reverse=True)

    def _last_words(self) -> str:
        lines = (self.directory / "log").read_text(errors="replace").splitlines()
        return " / ".join(lines[-3:])


@contextmanager
def running_engine(directory: Path | None = None) -> Iterator[str]:
    """The URL of an engine that answers; one of our own keeps its state in `directory` meanwhile."""
    url = os.environ.get("DOCKER_HOST") or USUAL_SOCKET
    if answers(url):
        yield url
        return
    with own_engine(directory) as daemon:
        yield daemon.url


@contextmanager
def own_engine(directory: Path | None = None, kept: Path | None = None) -> Iterator[Daemon]:
    """An engine that belongs to whoever asks, to be stopped and started at will."""
    if os.geteuid() != 0:
        raise NoEngineError("No Docker engine answers, and starting one needs root.")
    if shutil.which("dockerd") is None:
        raise NoEngineError(
            "No Docker engine answers, and dockerd is not installed: scripts/engine does that."
        )
    if directory is None or len(str(directory)) > LONGEST_DIRECTORY:
        directory = Path(tempfile.mkdtemp(prefix="tg-", dir="/tmp"))
    directory.mkdir(parents=True, exist_ok=True)
    daemon = Daemon(directory, Bridge.make(), kept)
    daemon.end_leftover()
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.remove()


@dataclass(frozen=True)
class Bridge:
    """A bridge interface with an address, made without `ip`, which is not always installed."""

    name: str
    address: str
    pool: str
    """For the engine's networks: two engines beside each other must not route the same addresses."""

    @classmethod
    def make(cls) -> Bridge:
        cls.remove_leftovers()
        with _one_at_a_time():
            number = next(n for n in range(200, 255) if not _route_exists(f"10.{n}.255.0"))
            bridge = cls(f"tg{os.getpid()}-{number}", f"10.{number}.255.1", f"10.{number}.0.0/17")
            bridge.raise_up()
        return bridge

    def raise_up(self) -> None:
        name = self.name.encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCBRADDBR, name + b"\0")
            _set_address(control, SIOCSIFADDR, name, self.address)
            _set_address(control, SIOCSIFNETMASK, name, "255.255.255.0")
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", name, IFF_UP | IFF_RUNNING))

    @classmethod
    def remove_leftovers(cls) -> None:
        """Bridges of earlier runs that could not clean up after themselves."""
        for path in Path("/sys/class/net").glob("tg*-*"):
            pid, _, number = path.name[2:].partition("-")
            if pid.isdigit() and not Path(f"/proc/{pid}").exists():
                cls(path.name, "", f"10.{number}.0.0/17").remove()

    def remove(self) -> None:
        """This one, and those of the engine's networks: an engine that stops leaves them behind."""
        for name in [self.name, *_bridges_in(self.pool)]:
            _remove_bridge(name)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two that look for free addresses at once would find the same."""
    with (Path(tempfile.gettempdir()) / "tidegate-bridges.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _set_address(control: socket.socket, request: int, name: bytes, address: str) -> None:
    sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
    fcntl.ioctl(control, request, struct.pack("16s16s", name, sockaddr))


def _remove_bridge(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), 0))
        fcntl.ioctl(control, SIOCBRDELBR, name.encode() + b"\0")


def _bridges_in(pool: str) -> list[str]:
    """Docker's bridges with an address in the pool, by the routes that the kernel has for them."""
    network = ip_network(pool)
    rows = [line.split()[:2] for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    return [
        name
        for name, address in rows
        if name.startswith("br-") and IPv4Address(bytes.fromhex(address)[::-1]) in network
    ]


def _route_exists(network: str) -> bool:
    wanted = f"{int.from_bytes(socket.inet_aton(network), 'little'):08X}"
    lines = Path("/proc/net/route").read_text().splitlines()[1:]
    return any(line.split()[1] == wanted for line in lines)


def answers(url: str) -> bool:
    try:
        client = docker.APIClient(base_url=url, version="auto", timeout=5)
    except (docker.errors.DockerException, OSError):
        return False
    client.close()
    return True


def busybox() -> Path:
    """A busybox that needs no libraries, so that it runs in an empty image."""
    for name in (*BUSYBOX, shutil.which("busybox")):
        if name and Path(name).exists() and b"ld-linux" not in Path(name).read_bytes()[:4096]:
            return Path(name)
    raise NoEngineError("There is no static busybox: scripts/engine installs busybox-static.")


def build_image(
    client: docker.DockerClient,
    name: str,
    changes: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
) -> str:
    """An image of busybox and these files; `changes` are Dockerfile lines such as `EXPOSE 80`."""
    client.api.import_image_from_data(
        _root(files or {}), repository=name, tag="latest", changes=list(changes)
    )
    return f"{name}:latest"


def _root(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for directory in ("bin", "tmp", "etc", "www"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        _add(tar, "bin/busybox", busybox().read_bytes(), 0o755)
        for applet in ("sh", "httpd", "nc", "sleep", "cat", "echo", "touch", "rm", "test", "kill", "wget"):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for path, content in files.items():
            _add(tar, path.lstrip("/"), content, 0o755)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
