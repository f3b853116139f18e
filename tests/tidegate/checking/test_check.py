"""`tidegate check`, from files to what is printed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from discovery.language import Language
from proxy.certifying import Resolvers
from tests.tidegate.checking.examples import EXAMPLES, ROOT, Example
from tidegate.checking.finding import Checked
from tidegate.checking.judging import check
from tidegate.checking.report import annotation, report
from tidegate.cli import main
from tidegate.defaults import entrypoints_of
from tidegate.label_language import language_of
from tidegate.settings import Settings

EVERY = Language(dialects=("tidegate", "traefik", "nginx-proxy", "caddy"))


def checked(directory: Path, **files: str) -> Checked:
    paths = []
    for name, text in files.items():
        paths.append(directory / f"{name}.yaml")
        paths[-1].write_text(text)
    return check(paths, {}, EVERY, entrypoints_of(Settings()))


def said(found: Checked) -> list[str]:
    return [
        f"{each.place.line}:{each.place.column} {each.severity} {each.what}"
        for each in found.findings
        if "is not to be seen" not in each.what
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_examples_of_this_repository_pass(example: Example, tmp_path: Path) -> None:
    found = checked(tmp_path, compose=example.text)
    serious = [line for line in report(found, "text") if re.search(r": (error|warning)", line)]
    assert not serious, "\n".join(report(found, "text"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6
    assert any(example.name.startswith("README.md") for example in EXAMPLES)


def test_what_is_about_a_whole_label_has_no_caret_into_its_broken_rule(tmp_path: Path) -> None:
    text = """services:
  a:
    expose: [80]
    labels:
      tidegate.host: a.example.com
      traefik.http.routers.a.rule: Host(`a.example.com`) & Path(`/x`)
"""
    [finding] = checked(tmp_path, compose=text).findings
    assert (finding.severity, finding.sketch) == ("notice", "")
    assert (finding.place.line, finding.place.column) == (6, 7)


def test_services_of_a_file_have_no_age(tmp_path: Path) -> None:
    text = """services:
  a: {expose: [80], labels: {tidegate.host: a.example.com}}
  b: {expose: [80], labels: {tidegate.host: a.example.com}}
  c: {expose: [80], labels: {tidegate.host: c.example.com, tidegate.name: same}}
  d: {expose: [80], labels: {tidegate.host: d.example.com, tidegate.name: same}}
"""
    told = "\n".join(report(checked(tmp_path, compose=text), "text"))
    assert "-a-1 comes first and keeps the host" in told
    assert "-c-1 comes first and keeps it" in told
    assert "older" not in told


def test_the_caret_points_into_the_file(tmp_path: Path) -> None:
    text = """services:
  a:
    expose: [80]
    labels:
      - "tidegate.http.routers.a.rule=Host(`a.example.com`) & Path(`/x`)"
"""
    found = checked(tmp_path, compose=text)
    [finding] = found.findings
    assert text.splitlines()[4][finding.place.column - 1 :].startswith("& Path")
    assert finding.sketch.splitlines()[1].index("^") == "Host(`a.example.com`) & P".index("&")


def test_two_projects_are_on_one_engine(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        text = "services: {web: {expose: [80], labels: {tidegate.host: www.example.com}}}"
        (tmp_path / name / "compose.yaml").write_text(text)
    found = check([tmp_path / "one", tmp_path / "two"], {}, EVERY, entrypoints_of(Settings()))
    [finding] = found.findings
    assert finding.place.file.endswith("two/compose.yaml")
    assert "already belongs to one-web-1" in finding.what


def test_profiles_that_exclude_each_other_do_not_clash(tmp_path: Path) -> None:
    text = """services:
  live: {expose: [80], profiles: [live], labels: {tidegate.host: a.example.com}}
  test: {expose: [80], profiles: [test], labels: {tidegate.host: a.example.com, tidegate.alow: lan}}
"""
    found = checked(tmp_path, compose=text)
    assert said(found) == ['3:81 error There is no "alow" here. Did you mean "allow"?']


def test_route_files_are_judged_beside_compose_files(tmp_path: Path) -> None:
    routes = """http:
  middlewares:
    lan: {ipAllowList: {sourceRange: [192.168.0.0/16]}}
  routers:
    nas: {rule: Host(`nas.example.com`), service: nsa}
  services:
    nas: {loadBalancer: {servers: [{url: "http://192.168.1.5"}]}}
"""
    compose = """services:
  a: {expose: [80], labels: {tidegate.host: a.example.com, tidegate.middlewares: "lan@file, wan@file"}}
"""
    alone = checked(tmp_path, compose=compose)
    assert {each.severity for each in alone.findings} == {"notice"}
    both = checked(tmp_path, compose=compose, routes=routes)
    assert [each.partition(" error ")[2] for each in said(both)] == [
        'There is no middleware "wan@file". Did you mean "lan@file"?',
        'There is no service "nsa". Did you mean "nas"?',
    ]
    assert [each.place.line for each in both.findings] == [2, 5]


def test_files_that_cannot_be_read_are_told_from_those_that_are_wrong(tmp_path: Path) -> None:
    assert main(["check", str(tmp_path / "gone.yaml")]) == 2
    found = checked(tmp_path, compose="services:\n  a: [\n", other="some: thing")
    assert [each.severity for each in found.findings] == ["error", "error"]
    assert found.findings[0].place.line == 3


@pytest.mark.parametrize(
    "text",
    [
        "services: [a, b]",
        "services: {a: 1, b: [x], c: }",
        "services: {a: {labels: 7, ports: x, expose: {a: b}, networks: 3, profiles: {}, extends: []}}",
        "services: {a: {labels: [[x], {}, 1], environment: [1], deploy: 3}}",
        "services: {a: &a {labels: {x: *a}}}",
        "services: {a: {labels: {[1, 2]: x, 1: 2, ? : y}}}",
        "services: {a: {extends: {file: broken.yaml, service: x}}}",
        "include: [broken.yaml]\nservices: {}",
        "services: {'': {labels: {tidegate.host: a.example.com}}}",
        "services: {a: {labels: {'': x, '.': y, tidegate.: z, tidegate: q}}}",
        "services: {a: {labels: {tidegate.host: '${'}}}\nnetworks: 3\nname: 7",
        "services: {a: {container_name: b}, b: {container_name: b, labels: {tidegate.hots: x}}}",
    ],
)
def test_odd_files_break_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    found = checked(tmp_path, compose=text)
    assert list(report(found, "text"))


def test_a_file_that_is_no_text_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_bytes(b"services: {a: {labels: {x: \xff\xfe}}}")
    found = check([file], {}, EVERY, entrypoints_of(Settings()))
    assert [each.what for each in found.findings] == ["This is not UTF-8 text."]


def test_the_exit_status_says_whether_there_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {a: {expose: [80], labels: {tidegate.host: a.example.com}}}")
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out == "a.example.com -> a:80\n1 file: nothing is wrong\n"
    file.write_text("services: {a: {expose: [80], labels: {tidegate.hots: a.example.com}}}")
    assert main(["check", "--json", str(file)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["errors"] == 1
    [finding] = told["findings"]
    assert (finding["line"], finding["column"], finding["severity"]) == (1, 39, "error")
    assert 'Did you mean "host"?' in finding["what"]


def test_annotations_hide_what_github_would_take_for_its_own(tmp_path: Path) -> None:
    found = checked(tmp_path, compose="services: {a: {labels: {'tidegate.http.routers.a,b.rul': '%'}}}")
    line = annotation(found.findings[0])
    assert line.startswith("::error file=")
    assert "\n" not in line
    head, _, message = line[2:].partition("::")
    assert head.count(",") == 3
    assert "%0A" in message


def test_no_secret_is_printed(tmp_path: Path) -> None:
    text = """services:
  a: {expose: [80], labels: {tidegate.host: a.example.com, tidegate.auth: "anna:$apr1$$H6uskkkW$IgXLP6ewTr"}}
  b: {expose: [80], labels: ["tidegate.host=b.example.com", 'tidegate.auth="anna:$$2y$$05$$geheim"']}
"""
    told = "\n".join(report(checked(tmp_path, compose=text), "text"))
    assert "hash" in told
    assert "H6uskkkW" not in told
    assert "geheim" not in told


def test_ordinary_labels_of_others_are_left_alone(tmp_path: Path) -> None:
    text = """services:
  a:
    labels: {org.opencontainers.image.title: '"x"', com.example.a: $$x, homepage.name: A, tailscale.enable: x}
"""
    assert not checked(tmp_path, compose=text).findings


def test_every_compose_file_is_an_example() -> None:
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "compose").rglob("*.yaml")}
    assert files <= {example.name for example in EXAMPLES}


def test_a_wildcard_is_told_with_the_setting_that_it_needs(tmp_path: Path) -> None:
    text = "http: {routers: {a: {rule: 'Host(`*.example.com`)', service: b}}, services: {b: {}}}"
    found = checked(tmp_path, routes=text)
    [finding] = [each for each in found.findings if each.severity == "notice"]
    assert finding.what == "A wildcard can be proven by DNS records alone."
    assert "Without --dns: its certificate" in str(finding)


def test_tls_options_of_a_route_file_are_taken_to_be_there_unless_it_is_given(tmp_path: Path) -> None:
    labels = "{tidegate.host: a.example.com, tidegate.tlsOptions: family}"
    text = f"services: {{a: {{expose: [80], labels: {labels}}}}}\n"
    found = checked(tmp_path, compose=text)
    assert [each.severity for each in found.findings] == ["notice"]
    assert '"family@file" is declared in a route file.' in found.findings[0].what
    routes = "tls: {options: {famliy: {minVersion: VersionTLS13}}}\n"
    assert [line.partition(" ")[2] for line in said(checked(tmp_path, compose=text, routes=routes))] == [
        'error There are no TLS options "family" in route files. Did you mean "famliy"?'
    ]


def test_who_may_claim_which_hosts_is_said_at_the_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "name: evil\nservices:\n  web:\n    expose: ['80']\n    labels:\n"
        "      tidegate.host: blog.example.com\n"
    )
    assert main(["check", str(file)]) == 0
    assert main(["check", "--allow-hosts", "blog=blog.example.com; *=*.apps.example.com", str(file)]) == 1
    told = capsys.readouterr().out
    assert "compose.yaml:6:" in told
    assert 'Project "evil" may not claim the host "blog.example.com": --allow-hosts gives it to blog.' in told
    assert "add evil=blog.example.com to the setting" in told


@pytest.mark.parametrize(
    ("proxy", "port", "told"),
    [
        ("", "80", False),  # Tidegate may well be in a container, where port 80 is another one
        ("  tidegate: {image: tidegate, network_mode: host}\n", "443", True),
        ("  tidegate: {image: tidegate, network_mode: host}\n", "8900", True),
        ("  tidegate: {image: tidegate, network_mode: host}\n", "8123", False),
        ("  tidegate: {image: tidegate}\n", "443", False),
    ],
)
def test_a_port_of_tidegates_own_is_no_apps(tmp_path: Path, proxy: str, port: str, told: bool) -> None:
    app = (
        f"  app: {{network_mode: host, labels: {{tidegate.host: a.example.com, tidegate.port: '{port}'}}}}\n"
    )
    settings = Settings()
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n{proxy}{app}")
    found = check([file], {}, language_of(settings), entrypoints_of(settings))
    assert any("No label leads there" in each.what for each in found.findings) == told


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tidgate.host", "tidegate.host"),
        ("tidegat.http.routers.a.rule", "tidegate.http.routers.a.rule"),
        ("tide-gate.host", "tidegate.host"),
        ("Tidegatee.host", "tidegate.host"),
        ("tidegate-host", "tidegate.host"),
        ("tidegate_http.routers.a.rule", "tidegate.http.routers.a.rule"),
        ("tidegate/prot", "tidegate.prot"),
        ("tidgate-port", "tidegate.port"),
    ],
)
def test_a_label_that_is_nearly_ours_is_an_error_with_what_to_write(
    tmp_path: Path, name: str, meant: str
) -> None:
    text = f"services: {{a: {{expose: [80], labels: {{{name}: value}}}}}}"
    [finding] = checked(tmp_path, compose=text).findings
    assert (finding.severity, finding.what) == (
        "error",
        f"Tidegate does not read this label. Write {meant}=value",
    )


@pytest.mark.parametrize(
    "name",
    [
        "tidegate-backup.daily",
        "tidegate_net",
        "tailgate.host",
        "gate.host",
        "com.example.tidegate.host",
        "tidal",
    ],
)
def test_a_label_that_may_be_somebody_elses_is_left_alone(tmp_path: Path, name: str) -> None:
    text = f"services: {{a: {{expose: [80], labels: {{{name}: value}}}}}}"
    assert checked(tmp_path, compose=text).findings == []


def test_a_misspelt_label_of_a_password_does_not_show_it(tmp_path: Path) -> None:
    text = "services: {a: {expose: [80], labels: {tidgate.auth: 'anna:secret'}}}"
    [finding] = checked(tmp_path, compose=text).findings
    assert "secret" not in finding.what


def test_what_several_mistakes_lead_to_is_said_once(tmp_path: Path) -> None:
    labels = "{tidegate.hots: a.example.com, tidegate.prot: '80', tidegate.alow: lan}"
    found = checked(tmp_path, compose=f"services: {{a: {{expose: [80], labels: {labels}}}}}")
    assert found.errors == 3
    printed = list(report(found, "text"))
    assert sum("is not served" in line for line in printed) == 1
    assert "is not served" in printed[-3]  # behind the last of them, before the summary
    told = json.loads("\n".join(report(found, "json")))
    assert all("is not served" in each["consequence"] for each in told["findings"])


SITES = """\
services:
  blog: {expose: [2368], labels: {tidegate.host: "blog.example.com, www.example.com"}}
  api: {image: api, labels: {tidegate.host: a.test, tidegate.path: /api}}
  broken: {expose: [80], labels: {tidegate.hots: broken.example.com}}
  clear: {expose: [80], labels: {tidegate.host: clear.example.com, tidegate.tls: "off"}}
"""


def test_the_sites_that_will_be_served_are_listed_with_where_they_lead(tmp_path: Path) -> None:
    found = checked(tmp_path, compose=SITES)
    *_, one, two, three, summary = report(found, "text")
    assert [one, two, three] == [
        "Host(`a.test`) && (Path(`/api`) || PathPrefix(`/api/`)) -> api, at the port that its image exposes",
        "blog.example.com, www.example.com -> blog:2368",
        "http://clear.example.com -> clear:80",
    ]
    assert summary.startswith("1 file: ")


def test_a_settings_file_is_judged_with_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tidegate.yaml"
    file.write_text("acme-email: nobody\nwbe: 80\nresolver:\n  company: {acme-cas: x}\n")
    assert main(["check", "--config", str(file)]) == 1
    out = capsys.readouterr().out
    assert f"{file}:1:1: error: acme-email: nobody\n  Expected an e-mail address" in out
    assert f'{file}:2:1: error: wbe\n  Tidegate has no "wbe". Did you mean "web"?' in out
    assert f'{file}:3:1: error: resolver\n  A resolver has no "acme-cas". Did you mean "acme-ca"?' in out
    # What only the machine that runs it can say is no matter of the file.
    file.write_text("dns: cloudflare\nacme-email: me@example.com\nresolver: {wild: {dns: hetzner}}\n")
    assert main(["check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == "1 file: nothing is wrong\n"


def test_a_settings_file_says_which_resolvers_labels_may_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, compose = tmp_path / "tidegate.yaml", tmp_path / "compose.yaml"
    file.write_text("resolver: {company: {acme-ca: letsencrypt-staging}}\n")
    compose.write_text(
        "services: {a: {expose: [80], labels: {tidegate.host: a.example.com, tidegate.tls: company}}}"
    )
    assert main(["check", "--config", str(file), str(compose)]) == 0
    assert main(["check", str(compose)]) == 1
    out = capsys.readouterr().out
    assert 'There is no resolver "company". Known: auto, internal.' in out
    assert "--resolver company.acme-ca=URL (check reads the settings of a file with --config FILE)" in out


@pytest.mark.parametrize("word", ["le", "letsencrypt", "Staging"])
def test_the_word_for_lets_encrypt_means_the_usual_unless_a_resolver_has_it(
    tmp_path: Path, word: str
) -> None:
    compose = tmp_path / "compose.yaml"
    compose.write_text(
        f"services: {{a: {{expose: [80], labels: {{tidegate.host: a.example.com, tidegate.tls: {word}}}}}}}"
    )
    entrypoints = entrypoints_of(Settings())
    [finding] = check([compose], {}, EVERY, entrypoints).findings
    assert (finding.severity, finding.place.line) == ("notice", 1)
    assert "by the rule's host names" in finding.what
    named = replace(EVERY, resolvers=Resolvers(frozenset({word.lower()})))
    assert check([compose], {}, named, entrypoints).findings == []


def test_check_needs_something_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 2
    assert "say which files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("tidegate.host:a.test", "A label in a list has a = and no colon. Write - tidegate.host=a.test"),
        ("'tidegate.host: a.test'", "A label in a list has a = and no colon. Write - tidegate.host=a.test"),
        ("'tidegate.host = a.test'", "No spaces around the =: write tidegate.host=a.test"),
        ("'tidegate.auth = anna:x'", "No spaces around the =: write tidegate.auth=..."),
        (
            "'tidegate.headers.X-Api-Key = hush'",
            "No spaces around the =: write tidegate.headers.X-Api-Key=...",
        ),
    ],
)
def test_what_stands_between_a_name_and_its_value_is_a_lone_sign(
    tmp_path: Path, label: str, what: str
) -> None:
    text = f"services:\n  a:\n    expose: [80]\n    labels:\n      - {label}\n"
    [finding] = said(checked(tmp_path, compose=text))
    assert finding == f"5:9 error {what}"


@pytest.mark.parametrize(("host", "severity"), [("192.168.1.300", "warning"), ("192.168.1.30", "notice")])
def test_four_numbers_that_are_no_address_are_more_than_a_notice(
    tmp_path: Path, host: str, severity: str
) -> None:
    text = f"services: {{a: {{expose: [80], labels: {{tidegate.http.routers.a.rule: Host(`{host}`)}}}}}}"
    [finding] = checked(tmp_path, compose=text).findings
    assert (finding.severity, finding.subject) == (severity, host)
