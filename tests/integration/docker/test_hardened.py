"""The hardened compose file as docker-compose starts it: its user, rights, networks and filter.

Its two images are stood in for: this source on this machine's Python, and the
filter of our other tests with the flags that the file has.
"""

from __future__ import annotations

import io
import os
import shutil
import ssl
import subprocess
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection
from typing import Any

import docker
import pytest
import yaml

from compose.demo.image import build_context, shared_libraries
from tests.compose.files import COMPOSE, document
from tests.engine import Daemon, build_image
from tests.program import ROOT, eventually

pytestmark = [pytest.mark.docker, pytest.mark.slow]

START = """
import runpy, sys
sys.path[:0] = ["/source", "/packages"]
module = "tests.compose.filter" if sys.argv[1].startswith("-") else "tidegate"
runpy.run_module(module, run_name="__main__", alter_sys=False)
"""
PYTHON = "tidegate-stand-in"
FRONT = "front"
PACKAGES = Path(sysconfig.get_path("purelib"))


@pytest.fixture
def compose(daemon: Daemon, tmp_path: Path) -> Iterator[Any]:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    client = docker.DockerClient(base_url=daemon.url, timeout=120)
    app = tmp_path / "start.py"
    app.write_text(START)
    client.images.build(fileobj=io.BytesIO(build_context(app)), custom_context=True, tag=PYTHON, rm=True)
    client.images.build(fileobj=io.BytesIO(with_data(PYTHON)), custom_context=True, tag="tidegate", rm=True)
    client.images.get(PYTHON).tag("wollomatic/socket-proxy", "1")
    serve = 'CMD ["/bin/sh", "-c", "echo $TEXT > /www/index.html; exec httpd -f -h /www"]'
    build_image(client, "app", [serve, "EXPOSE 80"])
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump(here(daemon)))
    command = ["docker-compose", "-p", "hardened", "-f", str(file)]
    environment = os.environ | {"DOCKER_HOST": daemon.url}
    try:
        subprocess.run([*command, "up", "-d"], check=True, env=environment, capture_output=True, timeout=120)
        yield client
    finally:  # its network has a fixed address, and no other engine here could have that meanwhile
        for container in client.containers.list(all=True, filters={"ancestor": "app"}):
            container.remove(force=True)
        subprocess.run(
            [*command, "down", "-v"], check=True, env=environment, capture_output=True, timeout=120
        )
    client.close()


def with_data(base: str) -> bytes:
    """The image with a data directory of user 10001, as the real one has, and our packages' libraries."""
    lines = f"FROM {base}\nCOPY root /\nCOPY --chown=10001:10001 data /data\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(lines)
        tar.addfile(entry, io.BytesIO(lines))
        directory = tarfile.TarInfo("data")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(directory)
        for library in sorted(shared_libraries(*PACKAGES.rglob("*.so"))):
            if not library.is_relative_to(PACKAGES):
                tar.add(library, f"root{library}")
    return packed.getvalue()


def here(daemon: Daemon) -> dict[str, Any]:
    """The file with what differs here: no published ports, this engine's socket, and the programs."""
    project = document(COMPOSE / "installations" / "hardened.yaml")
    socket = daemon.url.removeprefix("unix://")
    programs = [f"{ROOT}:/source:ro", f"{PACKAGES}:/packages:ro"]
    tidegate, proxy = project["services"]["tidegate"], project["services"]["socket-proxy"]
    del tidegate["ports"]
    tidegate["environment"] = {"TIDEGATE_ACME_CA": "off"}  # no authority is to be asked from here
    tidegate["volumes"] += programs
    [mount] = proxy["volumes"]
    proxy["volumes"] = [mount.replace("/var/run/docker.sock:/", f"{socket}:/", 1), *programs]
    proxy["user"] = f"65534:{Path(socket).stat().st_gid}"
    return project


def start(client: Any, text: str, project: str, host: str) -> None:
    labels = {
        "tidegate.host": host,
        "com.docker.compose.project": project,
        "com.docker.compose.service": "web",
    }
    client.containers.run(
        "app", name=f"{project}-web-1", labels=labels, environment={"TEXT": text}, network=FRONT,
        detach=True, stop_signal="SIGKILL",
    )  # fmt: skip


def ask(address: str, host: str) -> tuple[int, str]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        create_connection((address, 443), 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as stream,
    ):
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: stream.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode(errors="replace").strip()


def test_it_serves_with_as_few_rights_as_the_file_gives(compose: Any) -> None:
    start(compose, "blog", "blog", "blog.example.com")
    start(compose, "evil", "evil", "www.example.com")
    start(compose, "guest", "guest", "guest.apps.example.com")
    tidegate = compose.containers.get("tidegate")
    address = tidegate.attrs["NetworkSettings"]["Networks"][FRONT]["IPAddress"]
    assert eventually(lambda: ask(address, "blog.example.com") == (200, "blog"), within=40)
    assert eventually(lambda: ask(address, "guest.apps.example.com") == (200, "guest"))
    assert ask(address, "www.example.com")[0] == 404
    log = tidegate.logs().decode()
    assert "evil-web-1: tidegate.host=www.example.com" in log
    assert 'Project \\"evil\\" may not claim the host \\"www.example.com\\"' in log
    assert "403" not in compose.containers.get("hardened_socket-proxy_1").logs().decode()
    status = Path(f"/proc/{tidegate.attrs['State']['Pid']}/status").read_text()
    assert "Uid:\t10001\t10001\t10001\t10001" in status
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
