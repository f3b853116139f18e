"""Text: an answer for people: the first line is the answer, the rest is how it comes about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tidegate.printable import printable
from tidegate.words import count_text, date_text

Row = Mapping[str, Any]
MOST_TRIED = 8
LABEL = 13


def answer_text(answer: Row) -> str:
    """The answer as its JSON has it, in lines."""
    lines = list(container_lines(answer) if "containers" in answer else request_lines(answer))
    return "".join(f"{printable(line)}\n" for line in lines)


def request_lines(answer: Row) -> Iterator[str]:
    then = answer["then"]
    yield answer["answer"] + ("; there:" if then else "")
    if then:
        yield then["answer"]
        answer = then
    yield from labelled("request", [f"{answer['method']} {answer['url']} from {answer['client']}"])
    if not answer["entrypoint"]:
        return
    yield from labelled("entrypoint", [answer["entrypoint"]])
    yield from labelled("not taken by", tried_lines(answer))
    yield from labelled("asked for by", answer["claimants"])
    if answer["router"]:
        declared = f"  (from {answer['origin']})" if answer["origin"] else ""
        yield from labelled("router", [f"{answer['router']}  {answer['rule']}{declared}"])
    steps = [step_line(each, answer["defaults"]) for each in answer["middlewares"]]
    yield from labelled("middlewares", steps)
    if answer["because"]:
        yield from labelled("lane", [f"{answer['lane']}: {answer['because']}"])
    if answer["service"] and answer["lane"] != "none":
        yield from labelled("service", [answer["service"]])
    yield from labelled("server", map(server_line, answer["servers"]))
    yield from labelled("certificate", certificate_lines(answer["certificate"]))
    yield from problem_lines(answer["problems"])


def step_line(step: Row, defaults: Sequence[str]) -> str:
    kind = f"{step['kind']}, a default" if step["name"] in defaults else step["kind"]
    return f"{step['name']} ({kind}) {step['does']}"


def tried_lines(answer: Row) -> Sequence[str]:
    """Those that name this host; where nobody takes it, also those that name one like it."""
    shown = [each for each in answer["tried"] if each["near"]]
    lines = [f"{each['router']}: {each['condition']}" for each in shown[:MOST_TRIED]]
    if len(shown) > MOST_TRIED:
        lines.append(f"and {len(shown) - MOST_TRIED} more (--json has all)")
    elif not shown and not answer["router"]:
        lines.append(f"anybody: none of {count_text(len(answer['tried']), 'router')} there names this host")
    return lines


def server_line(server: Row) -> str:
    facts = [server["container"], server["state"], server["network"] and f"network {server['network']}"]
    known = ", ".join(filter(None, facts))
    return f"{server['url']} {server['probe']}" + (f"  ({known})" if known else "")


def certificate_lines(certificate: Row | None) -> Iterator[str]:
    if certificate is None:
        return
    until = date_text(datetime.fromisoformat(certificate["not_after"])) if certificate["not_after"] else "?"
    named = certificate["resolver"]
    by = f" (resolver {named})" if named not in ("", "internal") else ""
    yield f"{', '.join(certificate['names'])}, issued by {certificate['issuer']}{by}, until {until}"
    if certificate["note"]:
        yield certificate["note"]


def problem_lines(problems: Sequence[Row]) -> Iterator[str]:
    for each in problems:
        yield from labelled("problem", [each["where"], *each["what"].split("\n"), each["consequence"]])


def container_lines(answer: Row) -> Iterator[str]:
    yield answer["answer"]
    for seen in answer["containers"]:
        state = ", ".join(filter(None, (seen["state"], seen["health"])))
        yield from labelled("container", [f"{seen['name']} ({seen['id']}), {seen['image']}, {state}"])
        yield from labelled("networks", [", ".join(seen["networks"])])
        yield from labelled("asks for", seen["asks"])
        yield from labelled("route", seen["routes"])
        yield from labelled("server", map(server_line, seen["servers"]))
        yield from labelled("in the way", seen["hindrances"])
        yield from problem_lines(seen["problems"])


def labelled(label: str, lines: Iterable[str]) -> Iterator[str]:
    for line in filter(None, lines):
        yield f"  {label:<{LABEL}}{line}"
        label = ""
