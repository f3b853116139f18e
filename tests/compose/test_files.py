"""What the compose files say is right, agrees with what they say elsewhere, and is what Tidegate takes."""

from __future__ import annotations

import re
import shlex

import pytest

from discovery.labels import read_container
from discovery.merge import merge
from discovery.networks import Own
from discovery.out_of_bounds import urls_named
from proxy.model import RoutingConfig
from tests.compose.files import APPS, COMPOSE, FILES, SUBNET, document, made_of, name, with_labels
from tidegate.checking.judging import check
from tidegate.defaults import entrypoints_of
from tidegate.label_language import language_of
from tidegate.settings import Settings
from tidegate.sources import load

PRIVATE = "No public authority certifies it: it exists in no public DNS."
NOTICES = {
    "installations/lan-only.yaml": [PRIVATE],  # which is what it is for
    "apps/adguard-home.yaml": [PRIVATE],  # whoever asks it for names is at home
    "apps/code-server.yaml": ["A wildcard can be proven by DNS records alone."],  # its comment says so, too
}
SITES = {
    "installations/quickstart.yaml": {"hello.example.com": 80},
    "logins/tinyauth.yaml": {"login.example.com": 3000, "whoami.example.com": 80},
    "logins/authelia.yaml": {"auth.example.com": 9091, "whoami.example.com": 80},
    "logins/authentik.override.yaml": {"auth.example.com": 9000, "whoami.example.com": 80},
    "apps/adguard-home.yaml": {"dns.home.arpa": 3000},
    "apps/audiobookshelf.yaml": {"books.example.com": 80},
    "apps/code-server.yaml": {"code.example.com": 8080, "*.code.example.com": 8080},
    "apps/gitea.yaml": {"git.example.com": 3000},
    "apps/grafana.yaml": {"graphs.example.com": 3000},
    "apps/home-assistant.yaml": {"home.example.com": 8123},
    "apps/immich.override.yaml": {"photos.example.com": 2283},
    "apps/jellyfin.yaml": {"films.example.com": 8096},
    "apps/mealie.yaml": {"recipes.example.com": 9000},
    "apps/n8n.yaml": {"flows.example.com": 5678},
    "apps/nextcloud.yaml": {"cloud.example.com": 80},
    "apps/node-red.yaml": {"flows.example.com": 1880},
    "apps/paperless.yaml": {"papers.example.com": 8000},
    "apps/uptime-kuma.yaml": {"status.example.com": 3001},
    "apps/vaultwarden.yaml": {"vault.example.com": 80},
}
every = pytest.mark.parametrize("file", FILES, ids=name)


def routing(file) -> RoutingConfig:
    containers = with_labels(file)
    own = Own(frozenset({"front"}), container="f" * 64, host_address="172.28.0.1", stands_in="f" * 64)
    fragments = (read_container(each, own) for each in containers)
    return merge(fragment for fragment in fragments if fragment)


@every
def test_nothing_is_wrong_with_it(file) -> None:
    settings = Settings()
    found = check([file], {}, language_of(settings), entrypoints_of(settings))
    assert [each.what for each in found.findings] == NOTICES.get(name(file), [])


@every
def test_tidegates_flags_and_variables_are_settings(file) -> None:
    for service in document(file)["services"].values():
        if service.get("image") != "tidegate":
            continue
        command = service["command"]
        words = shlex.split(command) if isinstance(command, str) else command
        assert words[0] == "run"
        flags: dict[str, list[str]] = {}
        words = [word.replace("$$", "$") for word in words]
        spread = [part for word in words[1:] for part in word.split("=", 1)] if "=" in words[1] else words[1:]
        for flag, value in zip(spread[::2], spread[1::2], strict=True):
            assert flag.startswith("--")
            flags.setdefault(flag[2:].replace("-", "_"), []).append(value)
        given = {key: values[0] if len(values) == 1 else values for key, values in flags.items()}
        variables = {"CF_DNS_API_TOKEN": "x"} if "secrets" in service else {}
        load(given, variables, str(COMPOSE.parent / "tests/tidegate/__init__.py"))  # raises what is wrong


@pytest.mark.parametrize("file", [file for file in FILES if name(file) in SITES], ids=name)
def test_its_sites_lead_to_its_ports(file) -> None:
    config = routing(file)
    assert not [each for each in config.problems if each.severity != "notice"]
    found = {}
    for router in config.routers.values():
        [server] = config.services[router.service].servers
        if "PathPrefix" not in router.rule:
            found |= dict.fromkeys(re.findall(r"Host\(`([^`]+)`\)", router.rule), server.port)
    assert found == SITES[name(file)]
    assert set(config.middlewares) >= {each for r in config.routers.values() for each in r.middlewares}


def test_every_app_is_in_that_table() -> None:
    assert {name(file) for file in APPS} <= SITES.keys()


@every
def test_its_network_is_the_one_that_apps_are_told_to_believe(file) -> None:
    networks = document(file).get("networks", {})
    front = networks.get("front", {})
    assert front in ({}, {"external": True}, {"name": "front", "ipam": {"config": [{"subnet": SUBNET}]}})
    text = file.read_text()
    assert set(re.findall(r"\b172\.28\.[0-9.]+/[0-9]+", text)) <= {SUBNET}


@pytest.mark.parametrize("file", [file for file in FILES if file.parent.name == "logins"], ids=name)
def test_a_login_is_asked_where_it_is(file) -> None:
    config = routing(file)
    [asked] = [url for middleware in config.middlewares.values() for url in urls_named(middleware)]
    service = next(each for each in made_of(file) if each.service.name == asked.host)
    servers = [server for each in config.services.values() for server in each.servers]
    login = next(server for server in servers if server.owner == service.container.id)
    assert asked.port == login.port
    site = next(router for router in config.routers.values() if router.origin.endswith("whoami-1"))
    assert set(site.middlewares) == set(config.middlewares)


def test_the_hardened_one_gives_no_rights_that_it_can_do_without() -> None:
    services = document(COMPOSE / "installations" / "hardened.yaml")["services"]
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service["user"].startswith("0")
    with_socket = [key for key, each in services.items() if "docker.sock" in str(each.get("volumes"))]
    assert with_socket == ["socket-proxy"]
    assert "ports" not in services["socket-proxy"]


def test_all_of_them_are_in_the_index() -> None:
    index = (COMPOSE / "README.md").read_text()
    linked = set(re.findall(r"\(((?:installations|logins|apps)/[^)]+)\)", index))
    assert linked == {name(file) for file in FILES}
