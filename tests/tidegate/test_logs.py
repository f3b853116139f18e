import io
import json
import logging
import warnings
from dataclasses import dataclass, replace

import pytest
import structlog

from acme_client.events import Refused
from proxy.problem import Problem
from tidegate.access_lines import AccessLog, Stamp, json_line, line_for_people, size
from tidegate.logs import Libraries, compare_problems, log_event, log_problems, render_for_people, set_up
from tidegate.printable import printable

TYPO = Problem(
    "blog-web-1: tidegate.http.routers.blog.rul=Host(`blog.example.com`)",
    'There is no "rul" here. Did you mean "rule"?',
    'Router "blog" is not served; other routers are unaffected.',
)
PORT = Problem("nas-1: tidegate.port", "The image exposes 2 ports: 80, 443.", severity="warning")


@dataclass(frozen=True)
class Record:
    entrypoint: str = "websecure"
    client: str = "203.0.113.7"
    method: str = "GET"
    host: str = "blog.example.com"
    path: str = "/posts"
    status: int = 200
    bytes_in: int = 0
    bytes_out: int = 12345
    duration: float = 0.0123
    router: str = "blog@docker"
    server: str = "http://172.18.0.3:80"
    fault: str = ""
    bug: BaseException | None = None


class Screen(io.TextIOWrapper):
    """A stream that says whether it is a terminal."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), "utf-8")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def lines(self) -> list[str]:
        return self.buffer.getvalue().decode().splitlines()


@pytest.fixture(autouse=True)
def plain_structlog(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    yield
    structlog.reset_defaults()


def test_a_pipe_gets_json_and_a_terminal_gets_words():
    pipe, terminal = Screen(), Screen(terminal=True)
    for screen in (pipe, terminal):
        with set_up("info", "auto", screen):
            structlog.get_logger().info("listening", entrypoint="web", address="[::]:80")
    [line] = map(json.loads, pipe.lines)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "listening", "entrypoint": "web", "address": "[::]:80", "level": "info"}
    assert [text.split(maxsplit=1)[1] for text in terminal.lines] == [
        "info    listening  entrypoint=web address=[::]:80"
    ]


def test_the_format_can_be_chosen_against_the_stream():
    words, objects = Screen(), Screen(terminal=True)
    with set_up("info", "console", words):
        structlog.get_logger().info("hello")
    with set_up("info", "json", objects):
        structlog.get_logger().info("hello")
    assert words.lines[0].endswith("info    hello")
    assert json.loads(objects.lines[0])["event"] == "hello"


def test_what_is_said_to_people_has_its_values_in_json_only():
    words, objects = Screen(), Screen()
    for screen, form in ((words, "console"), (objects, "json")):
        with set_up("info", form, screen):
            structlog.get_logger().info("engine", up=True, said="Docker 29 answers.")
    assert words.lines[0].endswith("info    Docker 29 answers.")
    line = json.loads(objects.lines[0])
    assert (line["event"], line["up"], line.get("said")) == ("engine", True, None)


def test_a_problem_of_several_lines_has_them_on_the_console():
    words, objects = Screen(), Screen()
    for screen, form in ((words, "console"), (objects, "json")):
        with set_up("info", form, screen):
            log_problems(compare_problems((), [Problem("a: rule", "Host(\n     ^\nNot closed.", "So.")]))
    assert "".join(f"{line}\n" for line in words.lines).split("\n")[1:] == [
        "  Host(", "       ^", "  Not closed.", "  So.", "",
    ]  # fmt: skip
    assert json.loads(objects.lines[0])["what"] == "Host(\n     ^\nNot closed."


def test_below_its_level_nothing_is_written_or_formatted():
    class Untouchable:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    screen = Screen()
    with set_up("warning", "console", screen) as log:
        structlog.get_logger().info("quiet", value=Untouchable())
        log.access(Record(path=Untouchable()))
    assert screen.lines == []


def test_a_bug_is_logged_even_where_no_access_log_is_kept():
    screen = Screen()
    with set_up("error", "json", screen) as log:
        log.access(Record(bug=ZeroDivisionError("ours")))
    [line] = map(json.loads, screen.lines)
    assert (line["event"], line["path"]) == ("request failed", "/posts")
    assert line["exception"].endswith("ZeroDivisionError: ours")


def test_secrets_do_not_pass_not_even_in_a_traceback():
    screen = Screen()
    with set_up("info", "json", screen):
        try:
            raise OSError("cannot reach tcp://me:hunter2@engine:2376")
        except OSError:
            structlog.get_logger().exception("engine away", token="hunter2")
        logging.getLogger("urllib3").warning("retrying https://me:hunter2@ca.example")
    assert len(screen.lines) == 2
    assert "hunter2" not in "".join(screen.lines)
    assert "[hidden]@engine:2376" in json.loads(screen.lines[0])["exception"]


def test_libraries_are_heard_from_warning_on():
    screen = Screen()
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with set_up("info", "json", screen):
        logging.getLogger("docker").info("chatter")
        logging.getLogger("asyncio").error("%s was slow", "a callback")
        logging.getLogger("custom").log(35, "between levels")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old habit", stacklevel=1)
    first_two = map(json.loads, screen.lines[:2])
    assert [(line["event"], line["library"], line["level"]) for line in first_two] == [
        ("a callback was slow", "asyncio", "error"),
        ("between levels", "custom", "warning"),
    ]
    assert "old habit" in screen.lines[2]
    assert (root.level, list(root.handlers)) == before


def test_a_library_that_misuses_logging_still_gets_its_line():
    screen = Screen()
    with set_up("info", "json", screen):
        Libraries().emit(logging.LogRecord("lib", logging.ERROR, "", 1, "%d misfits", ("none",), None))
    assert json.loads(screen.lines[0])["event"] == "%d misfits"


def test_a_problem_reads_as_three_lines_on_a_terminal_and_as_keys_in_json():
    terminal, pipe = Screen(), Screen()
    for screen, form in ((terminal, "console"), (pipe, "json")):
        with set_up("info", form, screen):
            log_problems(compare_problems([], [TYPO, PORT]))
            log_problems(compare_problems([TYPO, PORT], [PORT]))
    assert [line if line.startswith(" ") else line.split(maxsplit=1)[1] for line in terminal.lines] == [
        "error   blog-web-1: tidegate.http.routers.blog.rul=Host(`blog.example.com`)",
        '  There is no "rul" here. Did you mean "rule"?',
        '  Router "blog" is not served; other routers are unaffected.',
        "warning nas-1: tidegate.port",
        "  The image exposes 2 ports: 80, 443.",
        "info    No longer: blog-web-1: tidegate.http.routers.blog.rul=Host(`blog.example.com`)",
    ]
    lines = [json.loads(line) for line in pipe.lines]
    assert [(line["event"], line["level"], line["where"]) for line in lines] == [
        ("problem", "error", TYPO.where),
        ("problem", "warning", PORT.where),
        ("problem gone", "info", TYPO.where),
    ]
    assert (lines[0]["what"], lines[0]["consequence"]) == (TYPO.what, TYPO.consequence)
    assert "consequence" not in lines[1]


@pytest.mark.parametrize(
    ("old", "new", "appeared", "resolved"),
    [
        ([], [], (), ()),
        ([], [TYPO, TYPO], (TYPO,), ()),
        ([TYPO], [TYPO, PORT], (PORT,), ()),
        ([TYPO, PORT], [PORT], (), (TYPO,)),
        ([TYPO], [replace(TYPO, what="else")], (replace(TYPO, what="else"),), (TYPO,)),
    ],
)
def test_compare_problems(old, new, appeared, resolved):
    change = compare_problems(old, new)
    assert (change.appeared, change.resolved) == (appeared, resolved)


def test_a_terminal_takes_no_orders_from_labels():
    render = render_for_people(colours=False)
    line = render(None, "", {"event": "\033[2Jgone", "name": "a\nb\u202ec", "exception": "one\ntwo\a"})
    assert line.split("\n") == ["         \\x1b[2Jgone  name=a\\nb\\u202ec", "  one", "  two\\x07"]
    assert printable("Grüße 東京") == "Grüße 東京"


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR")
    terminal, forced = Screen(terminal=True), Screen()
    for screen in (terminal, forced):
        with set_up("info", "console", screen):
            structlog.get_logger().error("oh")
    assert "\033[31m" in terminal.lines[0]
    assert "\033" not in forced.lines[0]


# -- the access log


def utc(form: str) -> Stamp:
    import time

    return Stamp(form, time.gmtime)


def test_a_request_in_json():
    line = json.loads(json_line(Record(path="/caf\xe9\n"), utc("%Y-%m-%dT%H:%M:%S"), 1_800_000_000.25))
    assert line == {
        "event": "request", "client": "203.0.113.7", "host": "blog.example.com", "method": "GET",
        "path": "/caf\xe9\n", "status": 200, "bytes": 12345, "bytes_in": 0, "duration": 0.0123,
        "router": "blog@docker", "server": "http://172.18.0.3:80", "entrypoint": "websecure", "level": "info",
        "timestamp": "2027-01-15T08:00:00.250Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            Record(),
            "203.0.113.7 GET blog.example.com/posts 200 12.3 kB 12 ms blog@docker http://172.18.0.3:80",
        ),
        (
            Record(path="/\033[2J", router="", server="", status=404, bytes_out=30),
            "203.0.113.7 GET blog.example.com/\\x1b[2J 404 30 B 12 ms - -",
        ),
        (
            Record(status=502, fault="the server closed the connection"),
            "203.0.113.7 GET blog.example.com/posts 502 12.3 kB 12 ms blog@docker http://172.18.0.3:80 "
            "(the server closed the connection)",
        ),
    ],
)
def test_a_request_in_words(record, words):
    assert line_for_people(record, utc("%H:%M:%S"), 1_800_000_000.0) == f"08:00:00 info    {words}"


def test_the_access_log_says_now_by_its_clock():
    lines: list[str] = []
    now = [1_800_000_000.999]
    log = AccessLog(lines.append, console=False, clock=lambda: now[0])
    log(Record())
    now[0] += 0.002
    log(Record(fault="cut"))
    first, second = map(json.loads, lines)
    assert (first["timestamp"], second["timestamp"]) == (
        "2027-01-15T08:00:00.999Z",
        "2027-01-15T08:00:01.001Z",
    )
    assert "fault" not in first
    assert second["fault"] == "cut"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (9_999, "9999 B"), (10_000, "10.0 kB"), (10**10, "10.0 GB"), (10**16, "10000.0 TB")],
)
def test_size(count, text):
    assert size(count) == text


@pytest.mark.parametrize(("terminal", "times"), [(True, 1), (False, 2)])
def test_people_read_a_reason_once_and_machines_find_it_by_its_name(terminal, times):
    screen = Screen(terminal=terminal)
    with set_up("info", "auto", screen):
        log_event(Refused("*.example.com", "A wildcard needs the DNS-01 challenge."))
    [line] = screen.lines
    assert line.count("A wildcard needs") == times
    assert line.count("*.example.com") >= 1
