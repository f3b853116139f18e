"""Labels in, the long labels that they stand for out."""

from __future__ import annotations

import io

import pytest

from discovery.language import Language
from tidegate.cli import main
from tidegate.expand import expansion, labels_in


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("tidegate.host=a.test", ("tidegate.host", "a.test")),
        ("tidegate.host: a.test", ("tidegate.host", "a.test")),
        ("  - tidegate.host=a.test", ("tidegate.host", "a.test")),
        ('- "tidegate.http.routers.a.rule=Host(`a`)"', ("tidegate.http.routers.a.rule", "Host(`a`)")),
        ("traefik.enable: 'true'", ("traefik.enable", "true")),
        ("a.rule=Header(`x: y`, `z`)", ("a.rule", "Header(`x: y`, `z`)")),
    ],
)
def test_a_label_may_be_written_as_in_a_compose_file(line: str, label: tuple[str, str]) -> None:
    assert list(labels_in(line)) == [label]


def test_what_is_no_label_is_left_out() -> None:
    assert list(labels_in("labels:\n# a comment\n\nnothing")) == []


def test_an_expansion_reads_as_it_was_written() -> None:
    """What is printed means the same as what was read."""
    written = "tidegate.host=a.test\ntidegate.allow=lan\ntidegate.admin.host=b.test\ntidegate.admin.port=81"
    once = list(expansion(written, Language()))
    assert list(expansion("\n".join(once), Language())) == once
    assert not [line for line in once if line.startswith("#")]


def test_the_command_reads_its_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("tidegate.hots=a.test"))
    assert main(["expand", "-"]) == 1
    assert 'There is no "hots" here. Did you mean "host"?' in capsys.readouterr().out


def test_a_file_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["expand", "/nowhere/labels.txt"]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("services:\n  web:\n    image: web\n", 2, "no service of"),
        ("hello\n", 2, "there is no label here"),
        ("tidegate.host=a.example.com\ntidegate.hots=b.example.com\n", 1, ""),
    ],
)
def test_what_is_no_label_or_a_wrong_one_is_said_and_is_no_success(text, status, said, tmp_path, capsys):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    assert main(["expand", str(path)]) == status
    assert said in capsys.readouterr().err


COMPOSE = """\
services:
  blog:
    image: blog
    labels: {tidegate.host: "${NAME:-blog}.example.com", tidegate.allow: lan}
  db: {image: postgres}
  wiki:
    expose: [3000]
    labels:
      traefik.enable: "true"
      traefik.http.routers.wiki.rule: Host(`wiki.example.com`)
  broken:
    labels: {tidegate.hots: x.example.com}
"""


def test_a_compose_file_is_expanded_service_by_service(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.delenv("NAME", raising=False)
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE)
    assert main(["expand", str(file)]) == 1  # for the broken one
    told = capsys.readouterr()
    assert "compose.yaml:12:14: error" in told.err and 'Did you mean "host"?' in told.err
    printed = told.out.splitlines()
    heads = [line for line in printed if line.startswith("# service")]
    assert heads == ["# service blog", "# service wiki", "# service broken"]
    assert any(line.endswith(".rule=Host(`blog.example.com`)") for line in printed)
    assert "tidegate.http.routers.wiki.rule=Host(`wiki.example.com`)" in printed
    file.write_text(COMPOSE.partition("  broken:")[0])
    assert main(["expand", str(file)]) == 0


def test_a_compose_file_has_to_be_named_for_what_stands_beside_it_counts(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(COMPOSE))
    assert main(["expand", "-"]) == 2
    assert "name the file" in capsys.readouterr().err


TWICE = """\
services:
  blog:
    labels: {tidegate.host: nas.lan, tidegate.auth: "anna:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"}
  wiki:
    labels: {tidegate.host: nas.lan}
"""


@pytest.mark.parametrize("place", ["compose.yaml", "sub/../compose.yaml"])
def test_mistakes_in_a_compose_file_are_those_that_check_knows(place, tmp_path, capsys) -> None:
    """Also what no label says alone: a dollar that compose eats, and a host that two services claim."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "compose.yaml").write_text(TWICE)
    file = str(tmp_path / place)
    assert main(["expand", file]) == 1
    expanded = capsys.readouterr()
    assert main(["check", file]) == 1
    checked = capsys.readouterr().out
    blocks = expanded.err.split("\n\n")[:-1]
    assert len(blocks) == 2 and all(f"{block}\n\n" in checked for block in blocks)
    assert any("$$" in block for block in blocks) and any("nas.lan" in block for block in blocks)
    assert "# error" not in expanded.out and "# warning" not in expanded.out
