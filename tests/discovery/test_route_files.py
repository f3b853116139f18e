"""Routing from YAML files, and what is said about mistakes in them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
import trustme

from discovery import route_files
from discovery.route_files import Shelf, read_files, watch_files
from proxy.balancing import Balanced, SameSite, Sticky, StickyCookie
from proxy.model import Failover, Mirrored, Part, RoutingConfig, Server, Weighted

NAS = """\
http:
  routers:
    nas:
      rule: Host(`nas.example.com`)
      entryPoints: [websecure]
      middlewares:
        - lan
      service: nas
  middlewares:
    lan:
      ipAllowList:
        sourceRange:
          - 192.168.1.0/24
  services:
    nas:
      loadBalancer:
        passHostHeader: false
        servers:
          - url: http://192.168.1.10:5000
          - url: https://nas.lan
"""


def read(tmp_path: Path, text: str) -> RoutingConfig:
    (tmp_path / "nas.yaml").write_text(text)
    return read_files(tmp_path)


def test_traefiks_file_format(tmp_path: Path) -> None:
    config = read(tmp_path, NAS)
    assert not config.problems
    router = config.routers["nas@file"]
    assert (router.rule, router.service, router.middlewares) == (
        "Host(`nas.example.com`)",
        "nas@file",
        ("lan@file",),
    )
    assert router.entrypoints == ("websecure",)
    owner = str(tmp_path / "nas.yaml")
    assert config.services["nas@file"].servers == (
        Server(owner, "192.168.1.10", 5000),
        Server(owner, "nas.lan", 443, "https"),
    )
    assert not config.services["nas@file"].pass_host_header


@pytest.mark.parametrize("spell", [str.lower, lambda text: text.replace("loadBalancer", "LoadBalancer")])
def test_option_names_in_any_case(tmp_path: Path, spell) -> None:
    text = "http: {services: {n: {loadBalancer: {servers: [{url: 'http://h:1'}]}}}}"
    assert read(tmp_path, spell(text)).services["n@file"].servers[0].port == 1


def test_the_labels_tree_with_its_root(tmp_path: Path) -> None:
    indented = "tidegate:\n" + "".join(f"  {line}\n" for line in NAS.splitlines())
    assert not read(tmp_path, indented).problems
    broken = read(tmp_path, indented.replace("rule:", "rul:"))
    assert [problem.where for problem in broken.problems] == ["nas.yaml:5: http.routers.nas.rul"]


def test_a_server_may_be_a_socket_or_have_a_path(tmp_path: Path) -> None:
    text = """\
http:
  services:
    s:
      loadBalancer:
        servers:
          - { url: "unix:///run/app.sock" }
          - { url: "unix:/run/other.sock", weight: 2 }
          - { url: "https://nas.lan/app/", preservePath: true }
          - { url: "http://nas.lan/" }
"""
    config = read(tmp_path, text)
    assert not config.problems
    owner = str(tmp_path / "nas.yaml")
    servers = config.services["s@file"].servers
    assert servers == (
        Server(owner, "/run/app.sock", 0),
        Server(owner, "/run/other.sock", 0, weight=2),
        Server(owner, "nas.lan", 443, "https", path="/app"),
        Server(owner, "nas.lan", 80),
    )
    assert [each.url for each in servers[::2]] == ["unix:///run/app.sock", "https://nas.lan:443/app"]


@pytest.mark.parametrize(
    ("old", "new", "where", "part"),
    [
        ("rule: H", "rul: H", "nas.yaml:4: http.routers.nas.rul", 'Did you mean "rule"?'),
        ("Host(`nas", "Hots(`nas", "nas.yaml:4: http.routers.nas.rule", "Host"),
        (
            "192.168.1.0/24",
            "192.168.1.0/33",
            "nas.yaml:13: http.middlewares.lan.ipAllowList.sourceRange.[0]",
            "/33",
        ),
        ("- lan\n", "- lna\n", "nas.yaml:6: http.routers.nas.middlewares", 'Did you mean "lan"?'),
        ("http://192.168.1.10:5000", "192.168.1.10:5000", "nas.yaml:19: ", "Expected a URL"),
        ("https://nas.lan", "https://nas.lan/app", "nas.yaml:20: ", "Write preservePath: true"),
        ("https://nas.lan", "https://nas.lan/a/../b", "nas.yaml:20: ", "Expected a plain path"),
        ("https://nas.lan", "https://nas.lan/app?x=1", "nas.yaml:20: ", "Expected only"),
        ("https://nas.lan", "unix://app.sock", "nas.yaml:20: ", "unix:///run/app.sock"),
        ("https://nas.lan", "unix:///" + "x" * 120, "nas.yaml:20: ", "at most 107 bytes"),
        ("  services:", "  service:", "nas.yaml:14: http.service", 'Did you mean "services"?'),
        ("http:\n", "htpp:\n", "nas.yaml:1: htpp", 'Did you mean "http"?'),
    ],
)
def test_a_mistake_is_shown_with_its_line(tmp_path: Path, old: str, new: str, where: str, part: str) -> None:
    problem = read(tmp_path, NAS.replace(old, new, 1)).problems[0]
    assert problem.where.startswith(where)
    assert part in problem.what


@pytest.mark.parametrize(
    "text",
    ["http: [", "a: b: c", "- 1", "http: {routers: {a: {}, a: {}}}", "\x00"],
)
def test_a_file_that_is_no_route_file_is_a_problem_and_nothing_else(tmp_path: Path, text: str) -> None:
    config = read(tmp_path, text)
    assert len(config.problems) >= 1
    assert not config.routers


def test_aliases_that_multiply_are_cut_off(tmp_path: Path) -> None:
    text = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9))
    assert "too many values" in read(tmp_path, text).problems[0].what


def test_merge_keys_of_yaml_work(tmp_path: Path) -> None:
    text = "http:\n  routers:\n    a: &a {rule: Host(`a`), service: n}\n    b: {<<: *a, rule: Host(`b`)}\n"
    config = read(tmp_path, text)
    assert {router.rule for router in config.routers.values()} == {"Host(`a`)", "Host(`b`)"}


def test_a_broken_file_keeps_what_it_said_before_and_the_others_are_unaffected(tmp_path: Path) -> None:
    (tmp_path / "nas.yaml").write_text(NAS)
    (tmp_path / "pve.yml").write_text(NAS.replace("nas", "pve").replace("lan", "home"))
    shelf = Shelf(tmp_path)
    assert shelf.read()
    assert not shelf.read()
    (tmp_path / "nas.yaml").write_text(NAS + "  oops: [\n")
    (tmp_path / "pve.yml").write_text("http: {}\n")
    assert shelf.read()
    config = shelf.config()
    assert list(config.routers) == ["nas@file"]
    [problem] = config.problems
    assert problem.where.startswith("nas.yaml:")
    assert problem.consequence == "What it said before stays in force."
    (tmp_path / "nas.yaml").unlink()
    assert shelf.read()
    assert shelf.config() == RoutingConfig()


def test_no_file_at_all_is_said(tmp_path: Path) -> None:
    assert "There is no file" in read_files(tmp_path / "missing.yaml").problems[0].what


async def test_files_are_watched_also_when_an_editor_replaces_them(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(route_files, "LOOK_EVERY", 0.01)
    path = tmp_path / "nas.yaml"
    path.write_text(NAS)
    seen: list[RoutingConfig] = []

    async def until(host: str) -> None:
        async with asyncio.timeout(30):
            while not seen or all(host not in router.rule for router in seen[-1].routers.values()):
                await asyncio.sleep(0.005)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch_files(path, seen.append))
        await until("nas.example.com")
        (tmp_path / "new").write_text(NAS.replace("nas.example.com", "two.example.com"))
        os.replace(tmp_path / "new", path)
        await until("two.example.com")
        task.cancel()
    assert len(seen) == 2


def test_what_is_not_served_yet_is_said_and_harms_nothing_else(tmp_path: Path) -> None:
    text = NAS.replace("passHostHeader: false", "responseForwarding: {flushInterval: 1ms}")
    config = read(tmp_path, text)
    assert len(config.services["nas@file"].servers) == 2
    assert [(each.severity, each.what) for each in config.problems] == [
        ("notice", "What comes from an app is passed on at once."),
    ]


MADE_OF_OTHERS = """
http:
  routers:
    app: {rule: Host(`app.example.com`), service: app}
  services:
    blue: {loadBalancer: {servers: [{url: "http://10.0.0.1"}], strategy: leastconn, slowStart: 20s}}
    green: {loadBalancer: {servers: [{url: "http://10.0.0.2"}], sticky: {cookie: {sameSite: Lax}}}}
    app: {weighted: {services: [{name: blue, weight: 9}, {name: green}], sticky: {cookie: {name: side}}}}
    spare: {failover: {service: app, fallback: spares@docker}}
    copied: {mirroring: {service: app, mirrors: [{name: green, percent: 10}], maxBodySize: -1}}
"""


def test_services_can_be_made_of_others(tmp_path: Path) -> None:
    services = read(tmp_path, MADE_OF_OTHERS).services
    assert services["app@file"].how == Weighted(
        (Part("blue@file", 9), Part("green@file")), StickyCookie(name="side")
    )
    assert services["spare@file"].how == Failover((Part("app@file"), Part("spares@docker")))
    assert services["copied@file"].how == Mirrored((Part("app@file"), Part("green@file", 10)))
    blue, green = services["blue@file"].how, services["green@file"].how
    assert isinstance(blue, Balanced)
    assert (blue.strategy, blue.slow_start) == ("leastconn", 20)
    assert isinstance(green, Balanced)
    assert green.sticky == Sticky(cookie=StickyCookie(same_site=SameSite("Lax")))


def test_a_part_that_does_not_exist_is_said_where_it_stands(tmp_path: Path) -> None:
    config = read(tmp_path, MADE_OF_OTHERS.replace("name: blue", "name: bleu"))
    [problem] = config.problems
    assert ":8: http.services.app" in problem.where
    assert problem.what == 'There is no service "bleu". Did you mean "blue"?'


@pytest.mark.parametrize("below", ["{}", "{weighted: {services: []}, loadBalancer: {servers: []}}"])
def test_a_service_is_of_one_kind(tmp_path: Path, below: str) -> None:
    config = read(tmp_path, NAS + f"    two: {below}\n")
    assert [each.what for each in config.problems] == [
        "A service is one of loadBalancer, weighted, failover, mirroring."
    ]


TRANSPORTS = """
http:
  routers:
    pve: {rule: Host(`pve.example.com`), service: pve}
  services:
    pve: {loadBalancer: {servers: [{url: "https://10.0.0.1:8006"}], serversTransport: pve}}
  serversTransports:
    pve: {insecureSkipVerify: true, forwardingTimeouts: {dialTimeout: 5s, responseHeaderTimeout: 10m}}
"""


def test_a_transport_is_declared_once_and_referred_to(tmp_path: Path) -> None:
    config = read(tmp_path, TRANSPORTS)
    assert config.services["pve@file"].transport == "pve@file"
    transport = config.transports["pve@file"]
    assert (transport.insecure_skip_verify, transport.forwarding_timeouts.dial_timeout) == (True, 5)
    [notice] = config.problems
    assert (notice.severity, notice.what[:26]) == ("notice", "Nothing proves who answers")
    assert ":8: http.serversTransports.pve.insecureSkipVerify" in notice.where


def test_a_transport_that_does_not_exist_is_said(tmp_path: Path) -> None:
    config = read(tmp_path, TRANSPORTS.replace("serversTransport: pve", "serversTransport: pvee"))
    [missing] = [each for each in config.problems if each.severity == "error"]
    assert missing.what == 'There is no transport "pvee". Did you mean "pve"?'


def test_a_failover_may_be_by_statuses(tmp_path: Path) -> None:
    text = """\
http:
  services:
    s: {failover: {service: a, fallback: b, errors: {status: ["500-504", "429"], maxRequestBodyBytes: -1}}}
    a: {loadBalancer: {servers: [{url: "http://a"}]}}
    b: {loadBalancer: {servers: [{url: "http://b"}]}}
"""
    config = read(tmp_path, text)
    assert not config.problems
    how = config.services["s@file"].how
    assert isinstance(how, Failover)
    assert (how.parts, how.statuses, how.most) == (
        (Part("a@file"), Part("b@file")),
        ((500, 504), (429, 429)),
        4 << 20,
    )


FAMILY = """\
http:
  routers:
    nas: {rule: Host(`nas.test`), service: nas, tls: {options: family}}
    tv: {rule: Host(`tv.test`), service: nas, tls: {options: default}}
  services:
    nas: {loadBalancer: {servers: [{url: "http://192.168.1.10:5000"}]}}
tls:
  options:
    family:
      minVersion: VersionTLS13
      clientAuth:
        caFiles: [FILE]
"""


def pem() -> str:
    return trustme.CA().cert_pem.bytes().decode()


def test_tls_options_of_a_file_bring_the_authorities_that_they_name(tmp_path: Path) -> None:
    authority = tmp_path / "family.pem"
    authority.write_text(pem())
    config = read(tmp_path, FAMILY.replace("FILE", str(authority)))
    assert config.problems == ()
    assert config.routers["nas@file"].tls_options == "family@file"
    assert config.routers["tv@file"].tls_options == "default@file"
    options = config.tls_options["family@file"]
    assert options
    assert (options.min_version, options.client_auth.asking) == ("VersionTLS13", "RequireAndVerifyClientCert")
    assert options.client_auth.ca_files == (authority.read_text(),)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "No such file"),
        ("nonsense", "Expected certificates"),
        (f"{pem()}-----BEGIN PRIVATE KEY-----", "Expected"),
    ],
)
def test_an_authority_that_cannot_be_used_leaves_no_options(
    tmp_path: Path, content: str | None, what: str
) -> None:
    authority = tmp_path / "family.pem"
    if content:
        authority.write_text(content)
    config = read(tmp_path, FAMILY.replace("FILE", str(authority)))
    assert config.tls_options == {"family@file": None}
    [problem] = config.problems
    assert problem.where == "nas.yaml:9: tls.options.family"
    assert what in problem.what


def test_an_authority_that_is_renewed_is_read_again(tmp_path: Path) -> None:
    authority, shelf = tmp_path / "family.pem", Shelf(tmp_path)
    (tmp_path / "nas.yaml").write_text(FAMILY.replace("FILE", str(authority)))
    found = []
    for content in (None, pem(), pem()):
        if content:
            authority.write_text(content)
        assert shelf.read()
        found.append(shelf.config().tls_options["family@file"])
        assert not shelf.read()
    assert found[0] is None
    assert len({*found}) == 3


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (
            "tls: {options: {a: {minVersoin: x}}}",
            "nas.yaml:1: tls.options.a.minVersoin",
            'Did you mean "minVersion"?',
        ),
        ("tls: {certificates: []}", "nas.yaml:1: tls.certificates", "only options are read here"),
        ("tidegate:\n  tls:\n    options:\n      a: false", "nas.yaml:4: tls.options.a", "switched off"),
        ("tsl: {}", "nas.yaml:1: tsl", 'Did you mean "tls"?'),
    ],
)
def test_mistakes_in_tls_options_of_a_file(tmp_path: Path, text: str, where: str, what: str) -> None:
    [problem] = read(tmp_path, text).problems
    assert problem.where == where
    assert what in problem.what


def test_tls_false_beside_options_is_not_served_in_the_clear(tmp_path: Path) -> None:
    """In labels a value may stand beside what is below it."""
    from tests.discovery.test_language import read as read_labels

    fragment = read_labels(
        {
            "traefik.http.routers.blog.rule": "Host(`blog.test`)",
            "traefik.http.routers.blog.tls": "false",
            "traefik.http.routers.blog.tls.options": "family@file",
        }
    )
    assert fragment
    assert fragment.routers == {}
    assert "Without TLS" in fragment.problems[0].what
