from __future__ import annotations

import subprocess
import sys

import pytest

from proxy.middlewares.headers import Headers
from proxy.model import Router, RoutingConfig
from proxy.schema import parse_text
from tests.program import ROOT, Program, by_all, eventually, free_port
from tests.tidegate.apps import running, typed, visit
from tidegate.defaults import DefaultHeader, DefaultMiddleware, certified, declared, entrypoints_of
from tidegate.settings import Settings
from tidegate.sources import SettingsError, from_yaml, load


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("secure", "secure@file"),
        ("secure@docker", "secure@docker"),
        ("admin=lan", "admin=lan@file"),
        ("admin = lan@docker", "admin=lan@docker"),
    ],
)
def test_a_middleware_without_a_provider_is_one_of_the_owners_files(text, meant):
    assert parse_text(DefaultMiddleware, text) == meant


@pytest.mark.parametrize("text", ["", "a b", "admin=", "x@", "a=b=c"])
def test_what_is_no_middleware_is_refused(text):
    with pytest.raises(ValueError, match="ENTRYPOINT=NAME"):
        parse_text(DefaultMiddleware, text)


def test_defaults_of_one_entrypoint_come_behind_those_of_all():
    settings = load(
        {"default_middlewares": ["websecure=b", "a"], "default_headers": ["X-A: 1", "web=X-B: 2, 3"]}, {}
    )
    web, websecure = entrypoints_of(settings)
    assert web.middlewares == ("headers@settings", "headers-web@settings", "a@file")
    assert websecure.middlewares == ("headers@settings", "a@file", "b@file")
    assert declared(settings.default_headers).middlewares == {
        "headers@settings": Headers(custom_response_headers={"X-A": "1"}),
        "headers-web@settings": Headers(custom_response_headers={"X-B": "2, 3"}),
    }


def test_a_header_with_commas_stands_whole_in_a_files_list():
    given = from_yaml('default-headers: ["Permissions-Policy: camera=(), microphone=()"]', "t.yaml").given
    assert given["default_headers"].value == ["Permissions-Policy: camera=(), microphone=()"]
    assert parse_text(DefaultHeader, given["default_headers"].value[0]).startswith(
        "Permissions-Policy: camera"
    )


def test_an_entrypoint_that_is_not_there_is_a_mistake():
    with pytest.raises(SettingsError) as wrong:
        load({"default_middlewares": ["amdin=lan"]}, {})
    assert 'There is no entrypoint "amdin". Known: web, websecure.' in str(wrong.value)


def test_the_default_entrypoints_are_those_of_routers_that_name_none():
    settings = load({"default_entrypoints": ["websecure"]}, {})
    assert [(each.name, each.default) for each in entrypoints_of(settings)] == [
        ("web", False),
        ("websecure", True),
    ]


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("auto", [(None, ""), (None, "auto"), (False, ""), (True, "")]),
        ("internal", [(None, ""), (None, "auto"), (False, ""), (True, "")]),
        ("off", [(False, ""), (None, "auto"), (False, ""), (True, "")]),
    ],
)
def test_the_default_certificate_is_for_routers_that_say_nothing_of_it(tls, expected):
    says = [(None, ""), (None, "auto"), (False, ""), (True, "")]
    routers = {
        str(n): Router(str(n), "Host(`a.test`)", "s", tls=t, resolver=r) for n, (t, r) in enumerate(says)
    }
    found = certified(RoutingConfig(routers), tls)
    assert [(each.tls, each.resolver) for each in found.routers.values()] == expected
    assert found.resolver == ("internal" if tls == "internal" else "auto")


def test_by_default_nothing_is_said_of_anybody():
    assert all(each.middlewares == () for each in entrypoints_of(Settings()))


ROUTES = """
http:
  routers:
    blog: {{ rule: Host(`blog.test`), service: app, entryPoints: [web] }}
    open: {{ rule: Host(`open.test`), service: app, entryPoints: [web], defaults: false }}
  services:
    app: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{port}" }}] }} }}
"""
LAN = "  middlewares: { house: { ipAllowList: { sourceRange: [10.0.0.0/8] } } }\n"


def seen(program: Program, host: str) -> tuple[int, str | None]:
    answer = visit(program, host)
    return answer.status, answer.headers["X-Robots-Tag"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_defaults_hold_for_everybody_but_those_who_say_no(tmp_path, workers):
    routes = tmp_path / "routes.yaml"
    flags = ["--docker", "off", "--acme-ca", "off", "--routes", str(routes), "--workers", workers]
    flags += ["--default-middlewares", "house", "--default-headers", "web=X-Robots-Tag: none"]
    with running() as app, Program(tmp_path / "data", *flags) as program:
        routes.write_text(ROUTES.format(port=app))
        by_all(lambda: seen(program, "open.test") == (200, None))
        assert seen(program, "blog.test")[0] == 503  # never without what the settings ask for
        [problem] = eventually(lambda: program.api("problems"))
        assert problem["where"] == "default_middlewares=house@file"
        routes.write_text(ROUTES.format(port=app) + LAN)
        by_all(lambda: seen(program, "blog.test") == (403, "none"))
        assert seen(program, "open.test") == (200, None)
        assert eventually(lambda: not program.api("problems"))
        said = typed(program, "routes")[1]
        assert "headers-web@settings (default)" in said and "house@file (default)" in said
        why = typed(program, "why", "http://blog.test/")[1]
        assert "house@file (ipallowlist, a default) answers 403" in why
        assert "default" not in typed(program, "why", "http://open.test/")[1]


def test_expand_and_check_say_what_comes_from_the_settings(tmp_path):
    labels = tmp_path / "labels"
    labels.write_text("tidegate.host=blog.example.com\n")
    compose = tmp_path / "compose.yaml"
    compose.write_text(
        "services: {blog: {image: x, expose: [80], labels: {tidegate.host: blog.example.com}}}\n"
    )
    routes = tmp_path / "routes.yaml"
    routes.write_text("http: {middlewares: {hause: {ipAllowList: {sourceRange: [10.0.0.0/8]}}}}\n")

    def said(*words: str) -> str:
        line = [sys.executable, "-m", "tidegate", *words, "--default-middlewares", "house"]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False).stdout

    expanded = said("expand", str(labels))
    assert "# default: router app on websecure passes house@file first, as the settings say" in expanded
    assert '"house@file" is declared in a route file.' in said("check", str(compose))
    checked = said("check", str(compose), str(routes))
    assert "error: --default-middlewares=house\n" in checked
    assert 'There is no middleware "house@file". Did you mean "hause@file"?' in checked


CERTIFIED = """
http:
  routers:
    own: { rule: Host(`own.example.com`), service: app, tls: { certResolver: internal } }
    public: { rule: Host(`public.example.com`), service: app, tls: { certResolver: auto } }
    silent: { rule: Host(`silent.example.com`), service: app }
  services:
    app: { loadBalancer: { servers: [{ url: "http://127.0.0.1:9" }] } }
"""


@pytest.mark.parametrize(
    ("default", "internal"), [("auto", {"own"}), ("internal", {"own", "silent"}), ("off", {"own"})]
)
def test_a_site_with_our_own_authority_asks_no_other_one(tmp_path, default, internal):
    routes = tmp_path / "routes.yaml"
    routes.write_text(CERTIFIED)
    nobody = f"https://127.0.0.1:{free_port()}/directory"
    flags = ("--docker", "off", "--acme-ca", nobody, "--routes", str(routes), "--default-tls", default)
    with Program(tmp_path / "data", *flags) as program:

        def states() -> dict[str, str]:
            return {row["host"].partition(".")[0]: row["state"] for row in program.api("certificates")}

        def asked() -> set[str]:
            """Those whose authority has been asked in vain."""
            return {row["host"].partition(".")[0] for row in program.api("certificates") if row["last_error"]}

        wanted = {"own", "public"} if default == "off" else {"own", "public", "silent"}
        eventually(lambda: asked() == wanted - internal)
        assert states().keys() == wanted
        assert {host for host, state in states().items() if state == "internal"} == internal
