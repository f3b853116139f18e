"""Logs: readable on a terminal, JSON lines anywhere else; set up once, by `run`."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TextIO

import structlog

from proxy.frozen import frozen
from proxy.problem import Problem
from tidegate.access_lines import AccessLog, log_bug
from tidegate.log_lines import LogLines, lost_notice
from tidegate.printable import printable
from tidegate.redaction import redact

if TYPE_CHECKING:
    from proxy.access_log import Tally

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
COLOURS = {"debug": "\033[2m", "warning": "\033[33m", "error": "\033[31m", "critical": "\033[31;1m"}
SEVERITIES = {"error": logging.ERROR, "warning": logging.WARNING, "notice": logging.INFO}

Event = MutableMapping[str, Any]


@frozen
class Outlet:
    """Where the log goes."""

    access: Callable[[Tally], None]
    """Takes the record of each request."""
    write: Callable[[str], None]
    """Takes a line that is laid out already."""
    console: bool
    """Whether lines are for people; JSON if not."""


@contextmanager
def set_up(level: Level = "info", form: Format = "auto", stream: TextIO | None = None) -> Iterator[Outlet]:
    """Send every log of the program and of its libraries to `stream` (stderr) until the end of the block."""
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    colours = console and stream.isatty() and not os.environ.get("NO_COLOR")
    lines = LogLines(stream.buffer, lost_notice if console else lost_as_json)
    structlog.configure(
        processors=processors(console=console, colours=colours),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: Printer(lines.write),
        # Loggers are made with their modules, before this runs, and outlive it in tests.
        cache_logger_on_first_use=False,
    )
    with Libraries().heard(LEVELS[level]):
        try:
            access = AccessLog(lines.write, console=console) if LEVELS[level] <= logging.INFO else log_bug
            yield Outlet(access, lines.write, console)
        finally:
            lines.close()


def processors(*, console: bool, colours: bool = False) -> list[Callable[..., Any]]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if console else "iso", utc=not console),
        structlog.processors.format_exc_info,
        spread_problem_for_people if console else spread_problem,
        said_for_people if console else drop_said,
        redact,
        render_for_people(colours) if console else structlog.processors.JSONRenderer(),
    ]


def lost_as_json(lines: int) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.dumps({"event": lost_notice(lines), "level": "warning", "timestamp": stamp})


class Printer:
    """structlog's end of the line: every level is written alike."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = write


class Libraries(logging.Handler):
    """Passes on what libraries log through `logging`; below debug only their warnings."""

    @contextmanager
    def heard(self, level: int) -> Iterator[None]:
        root = logging.getLogger()
        before = root.level
        root.addHandler(self)
        root.setLevel(level if level == logging.DEBUG else max(level, logging.WARNING))
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.setLevel(before)
            root.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        level = max((known for known in LEVELS.values() if known <= record.levelno), default=logging.DEBUG)
        log = structlog.get_logger()
        try:
            log.log(level, record.getMessage(), library=record.name, exc_info=record.exc_info)
        except (
            TypeError,
            ValueError,
        ):  # a format that does not fit its arguments is no reason to lose the line
            log.log(level, str(record.msg), library=record.name)


@frozen
class ProblemChange:
    appeared: tuple[Problem, ...] = ()
    resolved: tuple[Problem, ...] = ()


def compare_problems(old: Iterable[Problem], new: Iterable[Problem]) -> ProblemChange:
    """What to tell: each problem once when it appears and once when it has gone, in the order given."""
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    return ProblemChange(
        tuple(problem for problem in after if problem not in before),
        tuple(problem for problem in before if problem not in after),
    )


def log_problems(change: ProblemChange) -> None:
    log = structlog.get_logger("tidegate.problems")
    for problem in change.appeared:
        log.log(SEVERITIES[problem.severity], "problem", problem=problem)
    for problem in change.resolved:
        log.info("problem gone", problem=problem)


class Said(Protocol):
    """An event that reads as a sentence and whose fields are its details."""

    @property
    def level(self) -> Literal["info", "warning", "error"]: ...


def log_event(event: Said) -> None:
    """An event of the certificate manager as a line."""
    details: dict[str, Any] = asdict(event) if is_dataclass(event) and not isinstance(event, type) else {}
    if trace := details.pop("traceback", None):
        details["exception"] = trace
    structlog.get_logger("tidegate.certificates").log(
        LEVELS[event.level], str(event), said=str(event), **details
    )


def spread_problem(_logger: object, _method: str, event: Event) -> Event:
    """A problem's parts as keys of the line."""
    if isinstance(problem := event.pop("problem", None), Problem):
        event.update(where=problem.where, what=problem.what, severity=problem.severity)
        if problem.consequence:
            event["consequence"] = problem.consequence
    return event


def spread_problem_for_people(_logger: object, _method: str, event: Event) -> Event:
    """A problem as the lines that people read, or as the one that says it has gone."""
    if isinstance(problem := event.pop("problem", None), Problem):
        if event["event"] == "problem":
            event["event"] = problem.where
            event["below"] = (*problem.what.split("\n"), problem.consequence)
        else:
            event["event"] = f"No longer: {problem.where}"
    return event


def said_for_people(_logger: object, _method: str, event: Event) -> Event:
    """`said` is a sentence that has everything: it stands for the event's name and values."""
    if (sentence := event.pop("said", None)) is None:
        return event
    kept = {name: event[name] for name in ("timestamp", "level", "exception") if name in event}
    return {"event": sentence, **kept}


def drop_said(_logger: object, _method: str, event: Event) -> Event:
    event.pop("said", None)
    return event


def quoted(value: object) -> str:
    text = printable(value if isinstance(value, str) else str(value))
    return f'"{text}"' if not text or " " in text or "=" in text else text


def _adds(value: object, words: str) -> bool:
    """Whether a person learns something by the value: not from a sentence that the words end with."""
    return value is not None and not (isinstance(value, str) and " " in value and value in words)


def render_for_people(colours: bool) -> Callable[[object, str, Event], str]:
    def render(_logger: object, _method: str, event: Event) -> str:
        stamp, level = event.pop("timestamp", ""), str(event.pop("level", ""))
        words, below = str(event.pop("event", "")), event.pop("below", ())
        trace = event.pop("exception", None) or event.pop("stack", None)
        values = [f"{name}={quoted(value)}" for name, value in event.items() if _adds(value, words)]
        first = f"{stamp} {level:<7} {'  '.join([printable(words), ' '.join(values)]).rstrip()}"
        if colours and level in COLOURS:
            first = f"{COLOURS[level]}{first}\033[0m"
        rest = [f"  {printable(line)}" for line in below if line]
        if trace:
            rest += [f"  {printable(line)}" for line in str(trace).splitlines()]
        return "\n".join([first, *rest])

    return render
