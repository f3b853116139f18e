"""An engine behind TLS, and one behind ssh."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path

import pytest
import trustme

from discovery.docker_api import Engine
from discovery.engine import EngineError
from tests.integration.docker.socket_proxy import socket_proxy
from tests.integration.docker.watching import watching

pytestmark = pytest.mark.docker

BLOG = {"tidegate.host": "blog.test"}
FAKE_SSH = """\
#!{python}
import os, socket, sys, threading
assert sys.argv[-5:] == ["--", "nas", "docker", "system", "dial-stdio"], sys.argv
engine = socket.socket(socket.AF_UNIX)
engine.connect({socket!r})
def up():
    while data := os.read(0, 65536):
        engine.sendall(data)
    os._exit(0)
threading.Thread(target=up, daemon=True).start()
while data := engine.recv(65536):
    os.write(1, data)
"""


async def test_an_engine_behind_tls(yard, aside, tmp_path: Path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("client@example.com")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    ours.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    environ = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    with socket_proxy(yard.url, tls=context) as proxy:
        async with watching(proxy.url, environ) as seen:
            await aside(yard.start, "hello", BLOG)
            await seen.eventually("blog.test", "hello")
        authority_of_others = tmp_path / "others"
        authority_of_others.mkdir()
        for name in ("cert.pem", "key.pem"):
            (authority_of_others / name).write_bytes((tmp_path / name).read_bytes())
        trustme.CA().cert_pem.write_to_path(str(authority_of_others / "ca.pem"))
        stranger = Engine(proxy.url, environ | {"DOCKER_CERT_PATH": str(authority_of_others)})
        with pytest.raises(EngineError, match="TLS with"):
            await stranger.connect()
        await stranger.close()


async def test_an_engine_behind_ssh(yard, aside, tmp_path: Path):
    fake = tmp_path / "ssh"
    fake.write_text(FAKE_SSH.format(python=sys.executable, socket=yard.url.removeprefix("unix://")))
    fake.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    async with watching("ssh://me@nas:22", environ) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(blog.kill)
        await seen.eventually("blog.test", "[no route]")


async def test_what_ssh_complains_about_is_passed_on(tmp_path: Path):
    fake = tmp_path / "ssh"
    fake.write_text("#!/bin/sh\necho 'me@nas: Permission denied (publickey).' >&2\nexit 255\n")
    fake.chmod(0o755)
    engine = Engine("ssh://me@nas", {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    with pytest.raises(EngineError, match=r"ssh://me@nas: me@nas: Permission denied"):
        await engine.connect()
    await engine.close()
