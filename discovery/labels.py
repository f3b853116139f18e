"""Labels: one container's labels -> its routers, services, middlewares and problems.

A container is served only if its labels say so, and whatever is wrong in them
takes something away from that container alone, never from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from discovery.clashes import not_allowed
from discovery.container import Container
from discovery.container_services import LEADS_THERE, Draft, read_services
from discovery.declared import Reading, read_middlewares, sections
from discovery.dialects import dialect_called
from discovery.fragment import Fragment
from discovery.label_text import NGINX_PROXY, ROOT, TRAEFIK, WrittenLabels, first_below, shown
from discovery.language import USUAL, Language, labels_of, only_aside, words_of
from discovery.networks import Own
from discovery.out_of_bounds import shunning, urls_named
from discovery.references import plain
from discovery.routers import read_routers
from discovery.spoken import LongLabel, Spoken, misnamed, said
from discovery.tls_options import read_tls_options
from discovery.tree import grow, steps
from proxy.exchange import Middleware
from proxy.model import Router, withheld


def read_container(
    container: Container,
    own: Own,
    others: Mapping[str, Container] | None = None,
    language: Language = USUAL,
) -> Fragment | None:
    """The container's share of the routing; None when its labels ask for nothing.

    `others` are the running containers by id, for `network_mode: container:x`.
    """
    labels = container.labels
    if not container.running or not language.concerns(labels):
        return None
    dialect = language.dialect_of(labels, container.environment)
    if dialect is None and not language.serve_all:
        return None
    dialect = dialect or (TRAEFIK if TRAEFIK in language.dialects else ROOT)
    if dialect_called(dialect).closed(labels):
        return None
    draft = Draft(container, own, others or {}, language)
    fragment = Fragment(
        source=container.name,
        app=container.app,
        owner=container.id,
        project=container.project,
        created=container.created,
        root=dialect,
        allowed=language.allowed,
    )
    refused = f'Container "{container.name}" is not served; other containers are unaffected.'
    for where, what in misnamed(container.name, _named_as_trees(dialect, labels)):
        draft.problem(where, what, refused)
    if draft.problems:
        return replace(fragment, problems=tuple(draft.problems))
    if container.one_off:
        draft.problem(container.name, "It is a one-off container of compose run.", refused, "notice")
        return replace(fragment, problems=tuple(draft.problems))
    spoken = dialect_called(dialect).speak(container, language, draft.problems)
    if spoken is None:
        return replace(fragment, problems=tuple(draft.problems))
    _note_unheard(dialect, draft)
    return _read(_with_default_rule(spoken, draft), fragment, draft)


def _named_as_trees(dialect: str, labels: Mapping[str, str]) -> Mapping[str, str]:
    return labels_of(dialect, labels) if dialect in (ROOT, TRAEFIK) else {}


def expanded(container: Container, language: Language = USUAL) -> list[tuple[str, str]]:
    """The long labels that the container's labels stand for; none where they say too little."""
    dialect = language.dialect_of(container.labels, container.environment)
    if dialect is None or misnamed(container.name, _named_as_trees(dialect, container.labels)):
        return []
    draft = Draft(container, Own(), {}, language)
    spoken = dialect_called(dialect).speak(container, language, draft.problems)
    long = _with_default_rule(spoken, draft).labels if spoken else ()
    return list({label.name.lower(): (label.name, label.value) for label in reversed(long)}.values())[::-1]


def _note_unheard(dialect: str, draft: Draft) -> None:
    """The words of another dialect, which are there for another proxy."""
    labels, variables = draft.container.labels, draft.container.environment
    for other in draft.language.dialects:
        if other == dialect or (other == ROOT and only_aside(labels)):
            continue
        unheard = words_of(other, labels, variables)
        if word := min(unheard, default=""):
            what = f"It has {_called(dialect)}, too. Those alone count; its {_called(other)} are ignored."
            draft.problem(shown(draft.container.name, word, unheard[word]), what, "", "notice")


def _called(dialect: str) -> str:
    return f"{dialect} {'variables' if dialect == NGINX_PROXY else 'labels'}"


def _with_default_rule(spoken: Spoken, draft: Draft) -> Spoken:
    """With the installation's rule for routers that have none, and for containers without a router."""
    language, container = draft.language, draft.container
    routers = spoken.named("routers")
    options = said(spoken.labels)
    waiting = [name for name in routers if "rule" not in options.get(name.lower(), {})]
    if not language.default_rule or not spoken.implies:
        return spoken
    from discovery.template_action import Scope  # only who has such a rule pays for it
    from discovery.template_functions import TemplateError

    try:
        rule = language.default_rule.render(Scope(container.app, container.name, container.labels)).strip()
    except TemplateError as error:
        where = shown(container.name, DEFAULT_RULE, language.default_rule)
        draft.problem(where, str(error), f'Container "{container.name}" has no rule.')
        return spoken
    implied = waiting or ([] if routers else [spoken.name])
    rules = (LongLabel(f"{ROOT}.http.routers.{name}.rule", rule, DEFAULT_RULE) for name in implied if rule)
    return replace(spoken, labels=(*spoken.labels, *rules))


DEFAULT_RULE = "--default-rule"


def _read(spoken: Spoken, fragment: Fragment, draft: Draft) -> Fragment:
    if spoken.asks and not any(map(spoken.named, ("routers", "services"))) and not _wrong(draft):
        _report_nothing_asked(spoken, draft)
    values, written = _lay_out(spoken, draft)
    place = WrittenLabels(draft.container.name, first_below(written), spoken.root)
    reading = Reading(place, resolvers=draft.language.resolvers)
    root = grow(values)
    http = root.child("http") if root else None
    declared = sections(http.tree if http else None, reading)
    services = dict(read_services(declared, spoken, reading, draft))
    tls = root.child("tls") if root else None
    tls_options = read_tls_options(tls.tree if tls else None, reading)
    own = [plain(name) for name in services]
    routers = read_routers(declared["routers"], own, reading, tls_options)
    routers = _allowed(routers, fragment, reading)
    middlewares = _within_bounds(read_middlewares(declared["middlewares"], reading), reading, draft)
    return replace(
        fragment,
        routers=routers,
        services=services,
        middlewares=middlewares,
        # Those that can be used are in the routers: nobody else can name them.
        tls_options={name: None for name, each in tls_options.items() if each is None},
        withheld=tuple(reading.withheld),
        broken=frozenset(reading.broken),
        places=reading.places,
        problems=(*draft.problems, *reading.problems),
    )


def _within_bounds(
    middlewares: Mapping[str, Middleware], reading: Reading, draft: Draft
) -> dict[str, Middleware]:
    """Those that ask nobody whom labels must not lead to."""
    kept = {}
    for name, middleware in middlewares.items():
        what = next(filter(None, map(draft.language.bounds.url, urls_named(middleware))), "")
        if what:
            consequence = f'Middleware "{plain(name)}" is off; routers that use it answer 503.'
            path = ("middlewares", plain(name), type(middleware).__name__, "address")
            reading.problem(path, f"That is {what}. {LEADS_THERE}", consequence)
            reading.broken.add(name)
        else:
            kept[name] = shunning(middleware, draft.language.bounds.shunned)
    return kept


def _allowed(routers: Mapping[str, Router], fragment: Fragment, reading: Reading) -> dict[str, Router]:
    """Those whose hosts the container may claim."""
    kept = {}
    for name, router in routers.items():
        refusal = fragment.allowed.refusal(router, fragment.claimant)
        if refusal is None:
            kept[name] = router
        else:
            where = reading.places.get((name, "rule"))
            reading.withheld += withheld(router)
            reading.problems.append(not_allowed(router, *refusal, fragment.claimant, where))
    return kept


def _wrong(draft: Draft) -> bool:
    return any(problem.severity == "error" for problem in draft.problems)


def _lay_out(spoken: Spoken, draft: Draft) -> tuple[dict[str, str], dict[tuple[str, ...], tuple[str, str]]]:
    """The long labels with their values, and how each was written, by its place in the tree."""
    values: dict[str, str] = {}
    written: dict[tuple[str, ...], tuple[str, str]] = {}
    mine = {**draft.container.environment, **draft.container.labels}
    spelled = {label.lower(): label for label in mine}
    for label in spoken.labels:
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


def _report_nothing_asked(spoken: Spoken, draft: Draft) -> None:
    mine = labels_of(spoken.root, draft.container.labels)
    first = min((label for label in mine if not label.lower().startswith(f"{ROOT}.http.")), default=min(mine))
    example = "tidegate.host=blog.example.com"
    if spoken.root == TRAEFIK:
        example = "traefik.http.routers.NAME.rule=Host(`blog.example.com`), or a rule for all: --default-rule"
    what = f"Nothing says which requests are for it. Add {example}"
    consequence = f'Container "{draft.container.name}" is not served.'
    draft.problem(shown(draft.container.name, first, mine[first]), what, consequence)
