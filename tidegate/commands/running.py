"""Running: what is asked of the running instance."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from tidegate.addresses import OFF
from tidegate.commands.line import ASKING, Call, Command, Parser, UsageError, refuse_strangers
from tidegate.control import NotAnswering, ask, tell
from tidegate.printable import printable
from tidegate.sources import load_leniently

WHY_PATIENCE = 25.0
"""Seconds for an answer: an engine may take its time."""


def routes(call: Call) -> int:
    status = ask_running(call, "status")
    if call.own.json:
        print(json.dumps(status, indent=2))
        return 0
    from tidegate.tables import status_text

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(status_text(status, width), end="")
    return 0


def why(call: Call) -> int:
    refuse_strangers(call)
    own = call.own
    query = [("about", own.about), ("method", own.method), ("from", own.client)]
    query += [("header", each) for each in own.header]
    answer = ask_instance(call, f"why?{urlencode([pair for pair in query if pair[1]])}", WHY_PATIENCE)
    if not isinstance(answer, dict) or "answer" not in answer:
        raise NotAnswering("Something else than Tidegate answers there.")
    if own.json:
        print(json.dumps(answer, indent=2))
    else:
        from tidegate.why.text import answer_text

        print(answer_text(answer), end="")
    return 0 if answer["served"] else 1


def maintenance(call: Call) -> int:
    refuse_strangers(call)
    own = call.own
    if own.switch not in ("", "on", "off"):
        raise UsageError(f'there is no "{own.switch}": say on or off, or nothing to see how it is.')
    if (own.text or own.allow) and own.switch != "on":
        raise UsageError("--text and --allow are for what is switched on.")
    query = [("host", own.host), ("switch", own.switch), ("text", own.text)]
    query += [("allow", each) for each in own.allow]
    data = load_leniently(ASKING, call.flags, os.environ, call.config).data_directory
    answer = tell(f"maintenance?{urlencode([pair for pair in query if pair[1]])}", data)
    if not isinstance(answer, dict) or not answer.keys() & {"maintenance", "refused"}:
        raise NotAnswering("Something else than Tidegate answers there.")
    if "refused" in answer:
        print(printable(answer["refused"]), file=sys.stderr)
        return 1
    for line in closed_lines(answer, opened=own.switch == "off"):
        print(printable(line))
    return 0


def closed_lines(answer: Mapping[str, Any], *, opened: bool) -> Iterator[str]:
    closed, host = answer["maintenance"], answer["host"]
    for each in closed:
        open_for = f", open for {', '.join(each['allow'])}" if each["allow"] else ""
        text = f": {each['text']}" if each["text"] else ""
        yield f"{each['host']} is closed{open_for}{text}"
    if closed:
        return
    if not host:
        yield "No site is closed by command"
    elif answer["declared"]:
        yield f"{host} is not closed by command, but by a label or a file: tidegate why {host}"
    elif opened:
        yield f"{host} is open" + ("" if answer["was_closed"] else " (it was not closed by command)")
    else:
        yield f"{host} is not closed by command"


def add_switch(parser: Parser) -> None:
    parser.add_argument(
        "host", metavar="HOST", nargs="?", default="", help="a name that a router has, or its URL"
    )
    what = "answer 503 and say that the site is being worked on, over restarts; without: show how it is"
    parser.add_argument("switch", metavar="on|off", nargs="?", default="", help=what)
    parser.add_argument("--text", default="", help="What visitors read instead.")
    allow = "Who finds it open: networks, or lan for all private addresses. Repeatable."
    parser.add_argument("--allow", metavar="NETWORK", action="append", default=[], help=allow)


def healthcheck(call: Call) -> int:
    health = ask_running(call, "health")
    print("\n".join(printable(line) for line in (health["health"], *health["reasons"])))
    return 1 if health["health"] == "down" else 0


def ask_running(call: Call, what: str) -> dict[str, Any]:
    refuse_strangers(call)
    answer = ask_instance(call, what)
    if not isinstance(answer, dict) or "health" not in answer:
        raise NotAnswering("Something else than Tidegate answers there.")
    return answer


def ask_instance(call: Call, what: str, timeout: float = 5.0) -> Any:
    settings = load_leniently(ASKING, call.flags, os.environ, call.config)
    # A data directory named here means that instance, not whichever answers at the usual address.
    elsewhere = "data" in call.flags and "dashboard" not in call.flags
    return ask(what, settings.data_directory, OFF if elsewhere else settings.dashboard, timeout)


def add_question(parser: Parser) -> None:
    parser.add_argument(
        "about", metavar="URL|CONTAINER", help="blog.example.com/x, or a container's name or id"
    )
    parser.add_argument("--method", default="", help="Default: GET.")
    parser.add_argument("--from", dest="client", metavar="ADDR", default="", help="Default: 127.0.0.1.")
    parser.add_argument("--header", metavar="'NAME: VALUE'", action="append", default=[], help="Repeatable.")
    parser.add_argument("--json", action="store_true", help="everything, for programs")


def add_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="everything, for programs")


COMMANDS = {
    "routes": Command(
        "show routes, services, certificates and problems of the running instance", routes, add_json
    ),
    "why": Command("say what becomes of a request, or why a container has no route", why, add_question),
    "maintenance": Command(
        "close a site for a while, or open it again; without HOST: show all",
        maintenance,
        add_switch,
    ),
    "healthcheck": Command(
        "ask the running instance how it is: exit status 0 when it answers, else 1", healthcheck
    ),
}
