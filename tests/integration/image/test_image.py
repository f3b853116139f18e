"""The image does its main job: labels in, HTTPS out, from containers to containers."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.integration.image.town import (
    HARDENED,
    PACE,
    Town,
    address_of,
    asked,
    free_low_port,
    in_time,
    log_of,
    processes,
    proportional,
)

pytestmark = [pytest.mark.docker, pytest.mark.acme, pytest.mark.slow, pytest.mark.timeout(1800)]
"""The first test waits for the image."""

ISSUED_WITHIN = 60
OFTEN = {
    "test": ["CMD", "tidegate", "healthcheck"],
    "interval": 10**9,
    "timeout": 3 * 10**9 * PACE,
    "retries": 2,
}
"""The image's own health check, without its half minutes."""


def capabilities(status: str, which: str) -> int:
    return int(re.findall(rf"^{which}:\s*([0-9a-f]+)", status, re.MULTILINE)[0], 16)


def health(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


def certified(town: Town, host: str, tidegate: Container) -> str:
    """Wait until the site is served with a certificate of the authority; its fingerprint."""
    town.trust(town.issuing_root())
    answer = in_time(lambda: town.visit(host, address_of(tidegate)), within=ISSUED_WITHIN)
    assert answer["status"] == 200, answer
    return str(answer["certificate"])


def test_one_label_makes_an_https_site_as_a_user_without_rights_and_with_a_read_only_root(town: Town) -> None:
    tidegate = town.tidegate(healthcheck=OFTEN, **HARDENED)
    town.app("blog", {"tidegate.host": "blog.test"})
    certified(town, "blog.test", tidegate)
    plain = town.visit("blog.test", address_of(tidegate), port=80, tls=False)
    assert (plain["status"], plain["location"]) == (308, "https://blog.test/hello")
    for status in processes(tidegate).values():
        assert re.search(r"^Uid:\s+10001\s+10001\s+10001\s+10001$", status, re.MULTILINE), status
        assert "NoNewPrivs:\t1" in status
        assert {capabilities(status, which) for which in ("CapEff", "CapPrm", "CapAmb")} == {0}
    in_time(lambda: health(tidegate) == "healthy")
    assert asked(tidegate, "tidegate", "why", "https://blog.test/")[0] == 0


def test_a_new_container_serves_the_certificates_of_the_old_one_and_orders_nothing(town: Town) -> None:
    volume = {f"{town.mark}-data": "/data"}
    town.app("blog", {"tidegate.host": "kept.test"})
    first = town.tidegate(mounts=volume, **HARDENED)
    before = certified(town, "kept.test", first)
    town.remove(first)
    second = town.tidegate(mounts=volume, **HARDENED)
    assert certified(town, "kept.test", second) == before
    assert "Ordering" not in log_of(second)
    town.remove(second)
    town.engine.volumes.get(f"{town.mark}-data").remove()


def test_sigterm_ends_it_within_seconds_also_while_an_answer_has_no_end(town: Town) -> None:
    town.app("endless", {"tidegate.host": "endless.test", "tidegate.tls": "off"})
    tidegate = town.tidegate(**HARDENED)
    in_time(lambda: "endless.test" in log_of(tidegate))
    town.containers[1].exec_run(
        [
            "python3",
            "-c",
            f"""
import socket
stream = socket.create_connection(("{address_of(tidegate)}", 80), 5)
stream.sendall(b"GET /endless HTTP/1.1\\r\\nHost: endless.test\\r\\n\\r\\n")
while stream.recv(65536): pass
""",
        ],
        detach=True,
    )
    in_time(lambda: connections(tidegate) > 0)
    begun = time.monotonic()
    tidegate.stop(timeout=60)
    # Requests in flight have seven seconds anywhere; what else a stop takes is the machine's.
    assert time.monotonic() - begun < 7 + 3 * PACE
    tidegate.reload()
    assert tidegate.attrs["State"]["ExitCode"] == 0, log_of(tidegate)


def connections(container: Container) -> int:
    """How many clients are connected to its port 80 (proc(5), /proc/net/tcp6)."""
    rows = "".join(
        Path(f"/proc/{pid}/net/{table}").read_text()
        for pid in list(processes(container))[:1]
        for table in ("tcp", "tcp6")
    )
    return len(re.findall(r":0050 [0-9A-F]+:[0-9A-F]{4} 01 ", rows))


def test_one_that_hangs_becomes_unhealthy_and_one_that_goes_on_healthy_again(town: Town) -> None:
    tidegate = town.tidegate(healthcheck=OFTEN)
    in_time(lambda: health(tidegate) == "healthy")
    asked(tidegate, "sh", "-c", "kill -STOP $(cat /proc/1/task/1/children)")
    in_time(lambda: health(tidegate) == "unhealthy", within=40)
    said = tidegate.attrs["State"]["Health"]["Log"][-1]["Output"]
    assert "no answer in time" in said or "exceeded timeout" in said, said
    asked(tidegate, "sh", "-c", "kill -CONT $(cat /proc/1/task/1/children)")
    in_time(lambda: health(tidegate) == "healthy")


def test_with_a_user_of_its_own_it_needs_the_sockets_group_and_says_which(town: Town) -> None:
    options = {"user": "10001:10001", "cap_drop": ["ALL"], "read_only": True}
    without = town.tidegate(**options)
    said = in_time(lambda: re.search(r'group_add: \["(\d+)"\]', log_of(without)))
    assert int(said[1]) == Path(town.socket).stat().st_gid
    town.app("blog", {"tidegate.host": "own-user.test"})
    helped = town.tidegate(group_add=[said[1]], **options)
    certified(town, "own-user.test", helped)


def test_without_the_right_to_change_the_user_it_says_what_to_write(town: Town) -> None:
    tidegate = town.create(town.image, "run", cap_drop=["ALL"])
    tidegate.start()
    assert tidegate.wait(timeout=20)["StatusCode"] == 1
    assert "cap_add: [SETUID, SETGID]" in log_of(tidegate)


def test_where_an_init_of_docker_could_not_stop_it_that_is_said(town: Town) -> None:
    tidegate = town.tidegate(init=True, **HARDENED)
    in_time(lambda: "cap_add: [KILL]" in log_of(tidegate))
    helped = town.tidegate(init=True, **(HARDENED | {"cap_add": ["KILL", "SETUID", "SETGID"]}))
    in_time(lambda: asked(helped, "tidegate", "healthcheck")[0] == 0)
    assert "cap_add" not in log_of(helped)
    helped.stop(timeout=30)
    helped.reload()
    assert helped.attrs["State"]["ExitCode"] == 0, log_of(helped)


def test_a_directory_of_root_as_data_is_given_to_its_user(town: Town, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "older").write_text("by root")
    rights = HARDENED | {"cap_add": ["CHOWN", "SETUID", "SETGID"]}
    tidegate = town.tidegate(mounts={str(data): "/data"}, **rights)
    in_time(lambda: (data / "control.sock").exists())
    assert {path.stat().st_uid for path in (data, data / "older", data / "control.sock")} == {10001}
    assert asked(tidegate, "tidegate", "routes")[0] == 0


def test_of_several_networks_the_shared_one_is_used_and_of_two_shared_ones_the_named(town: Town) -> None:
    first, second = town.network("a-first"), town.network("b-second")
    tidegate = town.tidegate("--acme-ca", "off")
    town.app("one-shared", {"tidegate.host": "one.test", "tidegate.tls": "off"}, others=[first])
    in_time(lambda: serves(town, tidegate, "one.test", "one-shared"))
    second.connect(tidegate)
    labels = {"tidegate.host": "two.test", "tidegate.tls": "off", "tidegate.network": str(town.front.name)}
    app = town.app("two-shared", labels, others=[second])
    in_time(lambda: serves(town, tidegate, "two.test", "two-shared"))
    address = app.attrs["NetworkSettings"]["Networks"][town.front.name]["IPAddress"]
    assert f"http://{address}:8000" in asked(tidegate, "tidegate", "routes")[1]


def serves(town: Town, tidegate: Container, host: str, name: str) -> bool:
    return bool(town.visit(host, address_of(tidegate), port=80, tls=False)["body"] == name)


def test_in_the_hosts_network_it_may_have_low_ports_and_reaches_containers(town: Town) -> None:
    web = free_low_port()
    town.app("blog", {"tidegate.host": "host-mode.test", "tidegate.tls": "off"})
    flags = ("--acme-ca", "off", "--web", f":{web}", "--websecure", "off", "--dashboard", "off")
    tidegate = town.tidegate(*flags, network_mode="host")
    gateway = town.engine.networks.get(town.front.id).attrs["IPAM"]["Config"][0]["Gateway"]
    in_time(lambda: town.visit("host-mode.test", gateway, port=web, tls=False)["body"] == "blog")
    [program] = [status for status in processes(tidegate).values() if "Name:\ttidegate" in status]
    assert capabilities(program, "CapEff") == 1 << 10  # NET_BIND_SERVICE, and nothing else
    assert capabilities(program, "CapBnd") == 1 << 10


def test_a_resolver_that_nobody_answers_does_not_keep_the_first_route_waiting(town: Town) -> None:
    town.app("blog", {"tidegate.host": "early.test", "tidegate.tls": "off"})
    # TEST-NET-1 (RFC 5737): packets to it are lost; asking for host.docker.internal takes ten seconds there.
    tidegate = town.tidegate("--acme-ca", "off", dns=["192.0.2.1"], **HARDENED)
    in_time(lambda: "early.test" in log_of(tidegate))
    assert seconds_between(tidegate, "answers at unix://", "early.test") < 5 * PACE
    assert serves(town, tidegate, "early.test", "blog")


def seconds_between(container: Container, first: str, second: str) -> float:
    """From the first line of its log with one text to that with another, in the engine's time."""
    lines = container.logs(timestamps=True).decode().splitlines()
    begun, ended = (next(line.split()[0] for line in lines if text in line) for text in (first, second))
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def test_workers_serve_and_a_dead_one_is_replaced_and_buried(town: Town) -> None:
    town.app("blog", {"tidegate.host": "workers.test", "tidegate.tls": "off"})
    tidegate = town.tidegate("--acme-ca", "off", "--workers", "2", **HARDENED)
    in_time(lambda: serves(town, tidegate, "workers.test", "blog"))
    first, second = workers(tidegate)
    os.kill(first, signal.SIGKILL)
    after = in_time(
        lambda: len(workers(tidegate)) == 2 and first not in workers(tidegate) and workers(tidegate)
    )
    assert second in after
    assert serves(town, tidegate, "workers.test", "blog")
    tidegate.stop(timeout=30)
    tidegate.reload()
    assert tidegate.attrs["State"]["ExitCode"] == 0, log_of(tidegate)


def workers(container: Container) -> list[int]:
    """The children of the program, dead ones that nobody has buried among them."""
    program = next(pid for pid, status in processes(container).items() if "Name:\ttidegate" in status)
    return [int(pid) for pid in Path(f"/proc/{program}/task/{program}/children").read_text().split()]


def test_an_orphan_is_buried(town: Town) -> None:
    tidegate = town.tidegate()
    asked(tidegate, "sh", "-c", "sh -c 'sleep 3 >/dev/null 2>&1 & echo $! > /tmp/orphan'")
    number = asked(tidegate, "cat", "/tmp/orphan")[1].strip()
    assert "PPid:\t1" in asked(tidegate, "cat", f"/proc/{number}/status")[1]
    in_time(lambda: asked(tidegate, "test", "-e", f"/proc/{number}")[0] == 1, within=10)


def test_what_is_not_needed_to_run_is_not_there_and_the_rest_is_on_the_bill(town: Town) -> None:
    tidegate = town.tidegate()
    for tool in ("pip", "pip3", "gcc", "cc", "ld", "make", "git"):
        assert asked(tidegate, "sh", "-c", f"command -v {tool}")[0] != 0, tool
    for module in ("pip", "setuptools", "ensurepip", "mypy"):
        assert asked(tidegate, "/opt/tidegate/bin/python", "-c", f"import {module}")[0] != 0, module
    version = asked(tidegate, "tidegate", "version")[1]
    labels = tidegate.image.labels
    assert version.startswith(f"tidegate {labels['org.opencontainers.image.version']} (proxy compiled)")
    bill = json.loads(asked(tidegate, "cat", "/opt/tidegate/sbom.cdx.json")[1])
    known = {part["name"] for part in bill["components"]}
    assert {"tidegate", "aiohttp", "cryptography", "python", "tini", "libc6"} <= known
    assert not {"gcc", "mypy", "pip"} & known


def test_idle_with_twenty_routes_it_stays_small(town: Town, say: Callable[[str], None]) -> None:
    labels = {f"tidegate.site{n}.host": f"site{n}.test" for n in range(20)}
    tidegate = town.tidegate("--acme-ca", "off", **HARDENED)
    town.app("many", labels)
    in_time(lambda: saved(tidegate) == 20)
    tidegate.restart()  # what it needed to make certificates stays with the process that made them
    in_time(lambda: "site19.test" in asked(tidegate, "tidegate", "routes")[1])
    # 15 of them are pages of files, which count less while another container shares them.
    held = sum(map(proportional, processes(tidegate)))
    say(f"idles with 20 routes at {held / 1024:.1f} MiB (docs/container.md has it in MB)")
    assert held * 1024 < 45_000_000


def saved(container: Container) -> int:
    """How many hosts have a certificate in its data; read by its own user, for no other may."""
    found = container.exec_run(["sh", "-c", "ls -d /data/certs/*/current"], user="10001")
    return len(found.output.split()) if found.exit_code == 0 else 0
