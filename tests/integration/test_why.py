"""`tidegate why`, typed beside a running Tidegate that reads a route file."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import LOOPBACK, ROOT, Program, eventually, free_port

ROUTES = """
http:
  routers:
    blog: {{ rule: Host(`blog.test`), service: blog }}
    api: {{ rule: Host(`blog.test`) && PathPrefix(`/api`), service: blog, middlewares: [sso] }}
    down: {{ rule: Host(`down.test`), service: down }}
    lan: {{ rule: Host(`lan.test`), service: blog, middlewares: [lan] }}
  services:
    blog: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{up}" }}] }} }}
    down: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{down}" }}] }} }}
  middlewares:
    lan: {{ ipAllowList: {{ sourceRange: [192.168.0.0/16] }} }}
    sso: {{ forwardAuth: {{ address: "http://127.0.0.1:{down}/verify" }} }}
"""


@pytest.fixture(scope="module")
def tidegate() -> Iterator[Program]:
    with tempfile.TemporaryDirectory() as folder, socket.create_server((LOOPBACK, 0)) as app:
        routes = Path(folder, "routes.yaml")
        routes.write_text(ROUTES.format(up=app.getsockname()[1], down=free_port()))
        data = Path(folder, "data")
        with Program(data, "--docker", "off", "--acme-ca", "off", "--routes", str(routes)) as program:
            eventually(lambda: len(program.api("routes")) == 4)
            eventually(lambda: len([row for row in program.api("certificates") if row["not_after"]]) == 3)
            yield program


def why(tidegate: Program, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tidegate", "why", "--data", str(tidegate.data), *words]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["blog.test"], 0, ["(router blog@file, fast lane).", "lane         fast: nothing needs the body"]),
        (["http://blog.test/x"], 0, ["is redirected (308) to", "served by http://127.0.0.1:"]),
        (["blog.test/api/x"], 0, ["(router api@file, aiohttp lane), if sso@file (forwardauth) lets it in."]),
        (["blog.test", "--method", "POST"], 0, ["POST https://blog.test:", "/ from 127.0.0.1"]),
        (["blgo.test"], 1, ["gets 404: no router takes it. Did you mean blog.test?", "is not blgo.test"]),
        (["down.test"], 1, ["gets 502: http://127.0.0.1:", "connection refused (router down@file)."]),
        (["lan.test"], 1, ["gets 403: middleware lan@file (ipallowlist) answers 403."]),
        (["lan.test", "--from", "192.168.1.9"], 0, ["lan@file (ipallowlist) lets it pass"]),
        (
            ["https://x.test"],
            1,
            ["tidegate.invalid", "No router names this host"],
        ),
        (["https://blog.test:1"], 1, ["No entrypoint listens on port 1. Known: web on"]),
        (["blog.test", "--header", "bad"], 1, ['A header is "Name: value", not "bad".']),
    ],
)
def test_the_answer_and_the_exit_status(tidegate, words, status, said):
    code, text = why(tidegate, *words)
    assert code == status, text
    for each in said:
        assert each in text


def test_programs_get_all_of_it(tidegate):
    code, text = why(tidegate, "blog.test/api", "--json", "--header", "Upgrade: websocket")
    answer = json.loads(text)
    assert code == 0
    assert (answer["router"], answer["lane"], answer["served"]) == ("api@file", "aiohttp", True)
    assert answer["middlewares"][0]["told"] is False
    assert answer["certificate"]["names"] == ["blog.test"]
    assert answer["servers"][0]["probe"] == "accepts"


def test_the_certificate_is_the_one_that_a_client_gets(tidegate):
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((LOOPBACK, tidegate.websecure)) as plain,
        context.wrap_socket(plain, server_hostname="blog.test") as client,
    ):
        shown = client.getpeercert(binary_form=True)
    # It is served before it is saved.
    stored = eventually((tidegate.data / "certs/blog.test/current/fullchain.pem").read_text)
    assert ssl.PEM_cert_to_DER_cert(stored.partition("-----END")[0] + "-----END CERTIFICATE-----") == shown
    assert json.loads(why(tidegate, "blog.test", "--json")[1])["certificate"]["names"] == ["blog.test"]


def test_asking_is_no_visit(tidegate):
    before = tidegate.log.count('"router": "blog@file"')
    why(tidegate, "blog.test")
    assert tidegate.log.count('"router": "blog@file"') == before
