"""Labels: one container's labels -> its routers, services, middlewares and problems.

A container is served only if its labels say so, and whatever is wrong in them
takes something away from that container alone, never from another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from discovery.container import Container
from discovery.container_services import Draft, read_services
from discovery.declared import Reading, read_middlewares, sections
from discovery.dialects.long_only import long_spelling
from discovery.dialects.short import LongLabel, ShortLabels, element_name, expand
from discovery.fragment import Fragment
from discovery.label_text import ROOT, WrittenLabels, shown
from discovery.networks import Own
from discovery.references import plain
from discovery.routers import read_routers
from discovery.tree import LabelNameError, grow, steps
from proxy.schema import Tree, parse_options
from proxy.values import FALSE


def read_container(
    container: Container, own: Own, others: Mapping[str, Container] | None = None
) -> Fragment | None:
    """The container's share of the routing; None when its labels ask for nothing.

    `others` are the running containers by id, for `network_mode: container:x`.
    """
    mine = {label: value for label, value in container.labels.items() if _is_ours(label)}
    if not mine or not container.running:
        return None
    if any(label.lower() == f"{ROOT}.enable" and value.strip() in FALSE for label, value in mine.items()):
        return None
    draft = Draft(container, own, others or {})
    refused = f'Container "{container.name}" is not served; other containers are unaffected.'
    _check_names(mine, draft, refused)
    short = None if draft.problems else _read_short(mine, draft, refused)
    fragment = Fragment(
        source=container.name,
        app=container.app,
        owner=container.id,
        project=container.project,
        created=container.created,
    )
    if container.one_off:
        draft.problem(container.name, "It is a one-off container of compose run.", refused, "notice")
    elif short is not None and not draft.problems:
        return _read_long(mine, short, fragment, draft)
    return replace(fragment, problems=tuple(draft.problems))


def long_form(labels: Mapping[str, str], short: ShortLabels, app: str) -> tuple[LongLabel, ...]:
    """All long labels of a container: those it has, and what its short ones stand for.

    The short ones speak of the one router without a rule and of the one service
    that the long labels name, else of those named after the app.
    """
    written = tuple(LongLabel(label, value, label) for label, value in labels.items() if _is_long(label))
    names = [(steps(label.name)[2:], label) for label in written]
    routers = _named(names, "routers")
    ruled = {path[1].lower() for path, _ in names if len(path) == 3 and path[2].lower() == "rule"}
    services = _named(names, "services")
    waiting = [name for name in routers if name.lower() not in ruled]
    default = element_name(app)
    router = waiting[0] if len(waiting) == 1 else default
    service = services[0] if len(services) == 1 else default
    said = {path[2].lower() for path, _ in names if len(path) == 3 and path[1].lower() == router.lower()}
    return written + expand(short, router, service, ranked=said.isdisjoint({"rule", "priority"}))


def _is_ours(label: str) -> bool:
    return label.lower().startswith(f"{ROOT}.")


def _is_long(label: str) -> bool:
    return label.lower().startswith(f"{ROOT}.http.")


def _named(names: Sequence[tuple[tuple[str, ...], LongLabel]], section: str) -> list[str]:
    found = {path[1].lower(): path[1] for path, _ in names if len(path) > 1 and path[0].lower() == section}
    return list(found.values())


def _check_names(mine: Mapping[str, str], draft: Draft, consequence: str) -> None:
    """Report labels that do not follow the grammar, or that are there twice but for their case."""
    seen: dict[tuple[str, ...], str] = {}
    for label in sorted(mine):
        try:
            path = tuple(step.lower() for step in steps(label))
        except LabelNameError as error:
            draft.problem(shown(draft.container.name, label, mine[label]), str(error), consequence)
            continue
        if path in seen:
            where = shown(draft.container.name, label, mine[label])
            draft.problem(where, f"The same label is there as {seen[path][:200]}.", consequence)
        seen[path] = label


def _read_short(mine: Mapping[str, str], draft: Draft, consequence: str) -> ShortLabels | None:
    tree: dict[str, Tree] = {label[len(ROOT) + 1 :]: v for label, v in mine.items() if not _is_long(label)}
    short, flaws = parse_options(ShortLabels, tree)
    for flaw in flaws:
        name = next((each for each in mine if each.lower() == f"{ROOT}.{flaw.path[0]}".lower()), "")
        where = shown(draft.container.name, name, mine.get(name, ""))
        what = long_spelling(flaw.path, draft.container.app) or flaw.what
        draft.problem(where, what, consequence)
    if short is not None and short.path and not short.host:
        where = shown(draft.container.name, f"{ROOT}.path", ",".join(short.path))
        draft.problem(where, "Say which host, too: tidegate.host=blog.example.com", consequence)
    return short


def _read_long(mine: Mapping[str, str], short: ShortLabels, fragment: Fragment, draft: Draft) -> Fragment:
    if not _names_requests(mine, short):
        if any((short.port, short.scheme, short.network)):
            _report_nothing_asked(mine, draft)
        short = ShortLabels()
    values, written = _lay_out(mine, short, draft)
    reading = Reading(WrittenLabels(draft.container.name, written))
    root = grow(values)
    http = root.child("http") if root else None
    declared = sections(http.tree if http else None, reading)
    if not any(declared.values()):
        if not reading.problems and not draft.problems:
            _report_nothing_asked(mine, draft)
        return replace(fragment, problems=(*draft.problems, *reading.problems))
    services = dict(read_services(declared, short, reading, draft))
    routers = read_routers(declared["routers"], [plain(name) for name in services], reading)
    middlewares = read_middlewares(declared["middlewares"], reading)
    return replace(
        fragment,
        routers=routers,
        services=services,
        middlewares=middlewares,
        broken=frozenset(reading.broken),
        places=reading.places,
        problems=(*draft.problems, *reading.problems),
    )


def _lay_out(
    mine: Mapping[str, str], short: ShortLabels, draft: Draft
) -> tuple[dict[str, str], dict[tuple[str, ...], tuple[str, str]]]:
    """The long labels with their values, and how each was written, by its place in the tree."""
    values: dict[str, str] = {}
    written: dict[tuple[str, ...], tuple[str, str]] = {}
    spelled = {label.lower(): label for label in mine}
    for label in long_form(mine, short, draft.container.app):
        path = tuple(step.lower() for step in steps(label.name))
        as_written = spelled.get(label.written.lower(), label.written)
        if path in written:
            where = shown(draft.container.name, as_written, mine.get(as_written, ""))
            what = f"{written[path][0]} is there too, and it counts."
            draft.problem(where, what, "This label is ignored.", "warning")
            continue
        written[path] = (as_written, mine.get(as_written, label.value))
        values[f"{ROOT}.{label.name[len(ROOT) + 1 :]}"] = label.value
    return values, written


def _names_requests(mine: Mapping[str, str], short: ShortLabels) -> bool:
    """Whether there is a router, or a service that another container's router may use."""
    below = {steps(label)[2].lower() for label in mine if _is_long(label)}
    return bool(short.host) or bool(below - {"middlewares"})


def _report_nothing_asked(mine: Mapping[str, str], draft: Draft) -> None:
    first = min((label for label in mine if not _is_long(label)), default=min(mine))
    what = "Nothing says which requests are for it. Add tidegate.host=blog.example.com"
    consequence = f'Container "{draft.container.name}" is not served.'
    draft.problem(shown(draft.container.name, first, mine[first]), what, consequence)
