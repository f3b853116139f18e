from ipaddress import ip_network
from pathlib import Path

import pytest

from acme_client.authority import KNOWN
from proxy.schema import options_of, parse_text
from tidegate.addresses import OFF, Address, NamedAddress
from tidegate.machine import Machine, default_data
from tidegate.setting_kinds import KNOWN_CAS
from tidegate.settings import Settings
from tidegate.settings_reference import settings_page
from tidegate.sources import SettingsError, from_yaml, load, load_leniently

EMPTY = str(Path(__file__).with_name("__init__.py"))  # a settings file that says nothing


def settle(flags=None, environ=None, config=EMPTY) -> Settings:
    return load(flags or {}, environ or {}, config)


def mistakes(flags=None, environ=None, config=EMPTY) -> list[tuple[str, str]]:
    with pytest.raises(SettingsError) as error:
        settle(flags, environ, config)
    return [(problem.where, problem.what) for problem in error.value.problems]


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "tidegate.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_without_any_setting_everything_has_its_default():
    settings = settle()
    assert (settings.web, settings.websecure) == (Address("", 80), Address("", 443))
    assert (settings.docker, settings.routes, settings.data) == (None, None, None)
    assert (settings.acme_ca, settings.upstream_timeout) == ("letsencrypt", 60.0)
    assert settings.fast_lane == "on"
    assert settings.dashboard == Address("127.0.0.1", 8900)
    assert settings.dashboard.is_loopback


def test_every_setting_can_be_given(file, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    config = file(f"""
web: :8080
websecure: 127.0.0.1:0
entrypoint: [admin=127.0.0.1:8443/tls, metrics=:9100]
docker: off
routes: /etc/tidegate/routes.yaml
trusted-proxies:
  - 10.0.0.0/8
  - 192.168.1.7
upstream_timeout: 1m30s
fast_lane: off
data: /srv/tidegate
acme-email: you@example.com
acme-ca: https://ca.lan/acme/directory
acmeCaBundle: {bundle}
acme-eab-kid: kid
acme-eab-hmac: aGk
dashboard: off
log-level: WARNING
log-format: json
""")
    assert settle(config=config) == Settings(
        web=Address("", 8080),
        websecure=Address("127.0.0.1", 0),
        entrypoint=(
            NamedAddress("admin", Address("127.0.0.1", 8443), True),
            NamedAddress("metrics", Address("", 9100)),
        ),
        docker=OFF,
        routes=Path("/etc/tidegate/routes.yaml"),
        trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("192.168.1.7/32")),
        upstream_timeout=90.0,
        fast_lane="off",
        data=Path("/srv/tidegate"),
        acme_email="you@example.com",
        acme_ca="https://ca.lan/acme/directory",
        acme_ca_bundle=bundle,
        acme_eab_kid="kid",
        acme_eab_hmac="aGk",
        dashboard=OFF,
        log_level="warning",
        log_format="json",
    )


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file(file):
    config = file("web: :1\nwebsecure: :2\ndashboard: 127.0.0.1:3\n")
    environ = {"TIDEGATE_WEB": ":11", "TIDEGATE_WEBSECURE": ":12", "PATH": "/bin"}
    settings = settle({"web": ":21"}, environ, config)
    assert (settings.web.port, settings.websecure.port, settings.dashboard.port) == (21, 12, 3)


def test_the_file_is_the_flags_or_else_the_variables(file, tmp_path):
    config = file("web: :1")
    assert load({}, {"TIDEGATE_CONFIG": config}).web.port == 1
    assert load({}, {"TIDEGATE_CONFIG": str(tmp_path / "missing")}, config).web.port == 1


def test_lists_come_from_repeated_flags_and_from_commas():
    flags = settle({"entrypoint": ["a=:81", "b=:82,c=:83"]})
    variables = settle(environ={"TIDEGATE_ENTRYPOINT": "a=:81, b=:82, c=:83"})
    assert flags == variables
    assert [entry.name for entry in flags.entrypoints] == ["web", "websecure", "a", "b", "c"]


def test_an_empty_variable_is_not_set():
    assert settle(environ={"TIDEGATE_ACME_EMAIL": "", "TIDEGATE_WEB": ""}) == settle()


@pytest.mark.parametrize("text", ["web:", "web: ~", "web: null", "# web: :1", "---", ""])
def test_an_empty_line_of_the_file_is_not_set(text):
    assert from_yaml(text, "f").given == {}


def test_all_mistakes_of_all_sources_are_told_at_once_with_where_they_stand(file):
    config = file("wbe: :1\nlog-level: loud\nroutes: {}\n")
    environ = {"TIDEGATE_DASHBORD": "off", "TIDEGATE_WEBSECURE": "443", "TIDEGATE_ZZZ": "1"}
    found = mistakes({"upstream_timeout": "0"}, environ, config)
    assert [where for where, _ in found] == [
        "TIDEGATE_DASHBORD",
        "TIDEGATE_ZZZ",
        f"{config}:1: wbe",
        f"{config}:2: log-level: loud",
        f"{config}:3: routes: ",
        "TIDEGATE_WEBSECURE=443",
        "--upstream-timeout=0",
    ]
    said = dict(found)
    assert (
        said["TIDEGATE_DASHBORD"] == 'Tidegate has no "TIDEGATE_DASHBORD". Did you mean "TIDEGATE_DASHBOARD"?'
    )
    assert said["TIDEGATE_ZZZ"] == 'Tidegate has no "TIDEGATE_ZZZ". See: tidegate run --help'
    assert said[f"{config}:1: wbe"] == 'Tidegate has no "wbe". Did you mean "web"?'
    assert "one of debug, info, warning, error, not 'loud'" in said[f"{config}:2: log-level: loud"]
    assert ":443 for every address" in said["TIDEGATE_WEBSECURE=443"]
    assert "above zero" in said["--upstream-timeout=0"]


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ({"docker": "/var/run/docker.sock"}, "unix:///var/run/docker.sock"),
        ({"acme_ca": "letsencript"}, 'perhaps "letsencrypt"'),
        ({"acme_ca": "http://ca.lan/directory"}, "https:// URL"),
        ({"acme_ca": "letsencrypt,letsencrypt"}, "each authority once"),
        ({"acme_ca": "letsencrypt,zerosll"}, 'perhaps "zerossl"'),
        ({"acme_challenges": "http-02"}, "http-01"),
        ({"acme_email": "you"}, "an e-mail address"),
        ({"trusted_proxies": "10.0.0.0/33"}, "a network such as"),
        ({"entrypoint": ["web=:81"]}, "Use --web for it."),
        ({"entrypoint": ["a=:81", "a=:82"]}, "Name it differently."),
        ({"entrypoint": ["a=127.0.0.1:80"]}, '"web" has this port already'),
        ({"web": ":443"}, 'Choose another one for "websecure"'),
        ({"dashboard": ":80"}, 'Choose another one for "dashboard"'),
        ({"acme_ca": "zerossl"}, "set acme_eab_kid and acme_eab_hmac"),
        ({"acme_ca": "letsencrypt,zerossl"}, "set acme_eab_kid and acme_eab_hmac"),
        ({"acme_challenges": "tls-alpn-01", "websecure": "off"}, "no https entrypoint"),
        ({"acme_eab_kid": "k"}, "acme_eab_hmac is missing"),
        ({"acme_ca_bundle": "/does/not/exist"}, "There is no such file."),
    ],
)
def test_one_mistake_makes_one_message_that_says_what_to_write(flags, what):
    [(_, said)] = mistakes(flags)
    assert what in said


@pytest.mark.parametrize(("said", "count"), [(None, 1), ("1", 1), ("3", 3), ("auto", 6), ("AUTO", 6)])
def test_how_many_serve(said, count, monkeypatch):
    monkeypatch.setattr("tidegate.setting_kinds.cores", lambda: 6)
    assert settle({"workers": said} if said else {}).workers == count


@pytest.mark.parametrize("said", ["0", "-1", "129", "two", "1.5", "", "9" * 5000])
def test_how_many_cannot_serve(said):
    [(_, what)] = mistakes({"workers": said})
    assert what.startswith("Expected a number from 1 to 128, or auto")


def test_listeners_that_do_not_meet_are_fine():
    settings = settle(
        {"web": "127.0.0.1:80", "entrypoint": ["a=127.0.0.2:80", "b=127.0.0.1:0", "c=127.0.0.1:0"]}
    )
    assert len(settings.entrypoints) == 5
    assert [entry.name for entry in settle({"web": "off", "websecure": "off"}).entrypoints] == []


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("web: [", ":1", "This is not YAML"),
        ("- web", "", "Expected settings, one a line"),
        ("just words", "", "Expected settings, one a line"),
        ("web: :1\nWEB: :2", ":2: WEB: :2", "given twice"),
        ("? [a]\n: b", ":1", "Tidegate has no"),
    ],
)
def test_a_file_that_is_none(file, text, where, what):
    config = file(text)
    [(place, said)] = mistakes(config=config)
    assert place.startswith(config + where)
    assert what in said


def test_a_named_file_must_be_there(tmp_path):
    assert mistakes(config=str(tmp_path / "none.yaml")) == [
        (str(tmp_path / "none.yaml"), "The settings file cannot be read: no such file or directory.")
    ]
    [(_, said)] = mistakes(config=str(tmp_path))
    assert said == "The settings file cannot be read: is a directory."


def test_a_secret_can_stand_in_a_file_and_is_never_repeated(tmp_path):
    secret = tmp_path / "hmac"
    secret.write_text("c2VjcmV0\n")
    environ = {"TIDEGATE_ACME_EAB_KID": "k", "TIDEGATE_ACME_EAB_HMAC_FILE": str(secret)}
    settings = settle(environ=environ)
    assert settings.acme_eab_hmac == "c2VjcmV0"
    assert "c2VjcmV0" not in repr(settings)
    both = mistakes(environ=environ | {"TIDEGATE_ACME_EAB_HMAC": "aHVudGVyMg"})
    assert both == [("TIDEGATE_ACME_EAB_HMAC", "This is given twice, also as TIDEGATE_ACME_EAB_HMAC_FILE.")]
    secret.write_text("hunter2!")
    wrong = mistakes(environ=environ)
    assert "hunter2" not in str(wrong)
    assert "base64url" in wrong[0][1]
    secret.unlink()
    assert "The file cannot be read: no such file" in mistakes(environ=environ)[0][1]


def test_commands_that_ask_do_not_mind_other_mistakes(file):
    config = file("wbe: :1\ndata: /srv/tidegate\nlog-level: loud\n")
    settings = load_leniently(("data", "dashboard"), {"dashboard": ":1"}, {"TIDEGATE_ZZZ": "1"}, config)
    assert (settings.data, settings.dashboard) == (Path("/srv/tidegate"), Address("", 1))
    with pytest.raises(SettingsError):
        load_leniently(("data", "dashboard"), {"dashboard": "1"}, {}, config)


@pytest.mark.parametrize(
    ("uid", "in_container", "has_data", "xdg", "directory"),
    [
        (0, True, True, "", "/data"),
        (1000, True, True, "", "/data"),
        (0, True, False, "", "/var/lib/tidegate"),
        (0, False, True, "", "/var/lib/tidegate"),
        (1000, False, True, "", "/home/you/.local/share/tidegate"),
        (1000, False, False, "/xdg", "/xdg/tidegate"),
        (1000, False, False, "relative", "/home/you/.local/share/tidegate"),
    ],
)
def test_the_data_directory_fits_the_machine(uid, in_container, has_data, xdg, directory):
    machine = Machine({"XDG_DATA_HOME": xdg}, uid, lambda: Path("/home/you"), in_container, has_data)
    assert default_data(machine) == Path(directory)


@pytest.mark.parametrize("opt", options_of(Settings).values(), ids=lambda opt: opt.name)
def test_every_example_is_right_and_every_setting_explained(opt):
    parse_text(opt.type, opt.example)
    assert opt.doc.endswith((".", "none."))


def test_the_page_about_the_settings_is_not_stale():
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text() == settings_page(), (
        "write it anew: python -m tidegate settings > docs/settings.md"
    )


@pytest.mark.parametrize(
    "variable",
    [
        "TIDEGATE_PORT=tcp://10.0.0.1:80",
        "TIDEGATE_PORT_80_TCP=tcp://10.0.0.1:80",
        "TIDEGATE_PORT_80_TCP_ADDR=10.0.0.1",
        "TIDEGATE_PORT_443_UDP_PROTO=udp",
        "TIDEGATE_SERVICE_HOST=10.0.0.1",
        "TIDEGATE_SERVICE_PORT=80",
        "TIDEGATE_SERVICE_PORT_HTTPS=443",
        "TIDEGATE_WEB_SERVICE_HOST=10.0.0.1",
        "TIDEGATE_WEB_PORT_80_TCP=tcp://10.0.0.1:80",
        "TIDEGATE_NAME=/blog/tidegate",
        "TIDEGATE_ENV_PATH=/bin",
    ],
)
def test_what_links_and_kubernetes_say_of_a_service_called_tidegate_is_no_setting(variable):
    name, _, value = variable.partition("=")
    assert settle(environ={name: value}) == settle()


@pytest.mark.parametrize("name", ["data", "routes"])
def test_an_empty_path_is_not_the_directory_where_it_was_started(name):
    [(where, what)] = mistakes({name: ""})
    assert where == f"--{name}="
    assert "path" in what


def test_the_authorities_that_settings_know_are_those_that_certificates_are_ordered_from():
    assert set(KNOWN_CAS) == set(KNOWN)


def test_a_credential_that_is_missing_is_told_at_the_start_with_its_variable():
    [(where, what)] = mistakes({"dns": "cloudflare"})
    assert "dns" in where
    assert what == (
        "Set the variable CF_DNS_API_TOKEN (or CLOUDFLARE_DNS_API_TOKEN), "
        "or CF_DNS_API_TOKEN_FILE to a file with it."
    )
    assert settle({"dns": "cloudflare"}, {"CF_DNS_API_TOKEN": "abc"}).dns == "cloudflare"


def test_a_wildcard_needs_somebody_who_sets_records():
    [(_, what)] = mistakes({"acme_wildcards": ["example.com"]})
    assert "choose the provider with dns" in what
    settings = settle({"acme_wildcards": ["*.Example.com", "b.test"], "dns": "desec"}, {"DESEC_TOKEN": "abc"})
    assert settings.acme_wildcards == ("example.com", "b.test")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"dns": "cloudfare"}, 'perhaps "cloudflare"'),
        ({"dns": "lexicon:"}, "lexicon:PROVIDER"),
        ({"dns_resolvers": ["one.one.one.one"]}, "an address"),
        ({"dns_resolvers": ["1.1.1.1:99999"]}, "with a port"),
        ({"acme_wildcards": ["https://example.com"]}, "a domain"),
        ({"acme_wildcards": ["com"]}, "a domain"),
    ],
)
def test_a_mistake_about_the_dns_is_told_with_what_was_meant(flags, words):
    assert words in mistakes(flags)[0][1]


def test_resolvers_may_have_a_port_and_be_of_either_family():
    given = ["1.1.1.1", "192.168.1.1:5353", "2606:4700::1111", "[2606:4700::1111]:5353"]
    assert settle({"dns_resolvers": given}).dns_resolvers == tuple(given)
