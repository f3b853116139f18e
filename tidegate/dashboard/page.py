"""Page: the status as one page that needs no script; every word from a label is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from string import Template
from typing import TYPE_CHECKING

from proxy.problem import Problem
from tidegate.dashboard.frame import FRAME
from tidegate.rows import CertificateRow, RouteRow, ServerRow, ServiceRow
from tidegate.status import Status
from tidegate.words import date_text, duration_text, health_text

if TYPE_CHECKING:
    from tidegate.serving import WorkerState

TONES = {"active": "good", "internal": "good", "own": "good", "failed": "bad"}
"""By the state of a certificate."""


class Html(str):
    """Text that is markup already; any other text is escaped where it is put in."""

    __slots__ = ()


def tag(name: str, *content: str, **attributes: str) -> Html:
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Html(f"<{name}{shown}>{join(content)}</{name}>")


def join(content: Iterable[str]) -> Html:
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in content))


def render_page(status: Status) -> str:
    broken = sum(problem.severity == "error" for problem in status.problems)
    title = f"({broken}) Tidegate" if broken else "Tidegate"
    parts = {"title": title, "summary": summary(status), "sections": "\n".join(sections(status))}
    return Template(FRAME).substitute(parts)


def summary(status: Status) -> Html:
    tone = "bad" if status.health != "ok" else "warn" if status.problems else "good"
    health = tag("strong", health_text(status.health, len(status.problems)), class_=tone)
    rest = f", version {status.version}, up for {duration_text(status.uptime)}"
    engine = (
        [tag("p", status.engine.what, class_="soft" if status.engine.up else "bad")] if status.engine else []
    )
    others = [
        tag("p", reason, class_="bad") for reason in status.reasons if not engine or reason not in engine[0]
    ]
    return join([tag("p", health, rest), *engine, *others])


def sections(status: Status) -> Iterator[Html]:
    if status.problems:
        yield tag("h2", f"Problems ({len(status.problems)})")
        yield join(map(problem_card, status.problems))
    yield tag("h2", f"Routes ({len(status.routes)})")
    if status.routes:
        yield table(
            ("Address", "Goes to", "Middlewares", "Certificate", "State"), map(route_cells, status.routes)
        )
    else:
        yield tag(
            "p", "No container asks for a route yet. One label is enough: ", tag("code", "tidegate.host=NAME")
        )
    if status.certificates:
        yield tag("h2", f"Certificates ({len(status.certificates)})")
        yield table(
            ("Name", "State", "Issuer", "Until", "Renewal", "Note"),
            map(certificate_cells, status.certificates),
        )
    for authority in status.authorities:
        if authority.next_try:
            until = date_text(authority.next_try, to_the_minute=True)
            yield tag(
                "p", f"{authority.directory} is not asked until {until}: {authority.last_error}", class_="bad"
            )
    if status.services:
        yield tag("h2", f"Services ({len(status.services)})")
        yield table(("Service", "Servers", "Used by"), map(service_cells, status.services))
    if status.workers:
        yield tag("h2", f"Workers ({len(status.workers)})")
        yield table(
            ("Worker", "Process", "State", "Connections", "Deaths"), map(worker_cells, status.workers)
        )


def table(heads: Sequence[str], rows: Iterable[Sequence[Html]]) -> Html:
    head = tag("tr", *(tag("th", each, scope="col") for each in heads))
    body = [
        tag("tr", *(tag("td", cell, data_label=name) for name, cell in zip(heads, cells, strict=True)))
        for cells in rows
    ]
    return tag("table", tag("thead", head), tag("tbody", *body))


def lines(texts: Iterable[str]) -> Html:
    return join(tag("div", text) for text in texts)


def problem_card(problem: Problem) -> Html:
    rest = [tag("p", text) for text in (*problem.what.split("\n"), problem.consequence) if text]
    return tag("div", tag("code", problem.where), *rest, class_=f"problem {problem.severity}")


def route_cells(route: RouteRow) -> tuple[Html, ...]:
    addresses = [link(each) for each in route.urls] or [tag("code", route.rule)]
    redirects = [tag("span", f"from {each}", class_="soft") for each in route.redirects]
    rule = [tag("code", route.more)] if route.more else []
    goes_to = [route.service, *map(server_text, route.servers)]
    state = tag("span", route.action, class_="good" if route.action == "serve" else "bad")
    return (
        lines([*addresses, *redirects, *rule]),
        lines(goes_to),
        lines([*(f"{name} (default)" for name in route.defaults), *route.middlewares]),
        lines(dict.fromkeys(certificate_text(each) for each in route.certificates)),
        lines([state, *([route.reason] if route.reason else [])]),
    )


def link(url: str) -> Html:
    return tag("span", url) if "*" in url else tag("a", url, href=url, rel="noreferrer")


def server_text(server: ServerRow) -> Html:
    word = "soft" if server.state == "up" else "bad"
    return tag("span", server.url if server.state == "up" else f"{server.url} ({server.state})", class_=word)


def certificate_text(certificate: CertificateRow) -> str:
    until = f", until {date_text(certificate.not_after)}" if certificate.not_after else ""
    return f"{certificate.issuer or certificate.state}{until}"


def certificate_cells(certificate: CertificateRow) -> tuple[Html, ...]:
    tone = {"active": "good", "internal": "good", "own": "good", "failed": "bad"}.get(
        certificate.state, "warn"
    )
    note = [certificate.last_error] if certificate.last_error else []
    note += [finding for finding in certificate.findings if finding not in note]
    if certificate.next_try:
        note.append(f"Next try: {date_text(certificate.next_try, to_the_minute=True)}")
    return (
        join([certificate.host]),
        tag("span", certificate.state, class_=tone),
        join([certificate.issuer]),
        join([date_text(certificate.not_after)]),
        join([date_text(certificate.renew_at)]),
        lines(note),
    )


def worker_cells(worker: WorkerState) -> tuple[Html, ...]:
    state = tag("span", worker.state, class_="good" if worker.state == "serving" else "bad")
    number, process, connections, deaths = (
        join([str(value)]) for value in (worker.number, worker.pid or "-", worker.connections, worker.deaths)
    )
    return number, process, state, connections, deaths


def service_cells(service: ServiceRow) -> tuple[Html, ...]:
    servers = (
        lines(map(server_text, service.servers)) if service.servers else tag("span", "none", class_="bad")
    )
    return join([service.name]), servers, lines(service.routers)
