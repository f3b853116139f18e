"""Compose only: what no container shows any more once compose has made it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial

from discovery.dialects.short import ShortLabels
from discovery.label_text import ROOT, TRAEFIK, is_telling, shown
from proxy.model import RoutingConfig
from proxy.option import closest
from proxy.problem import Severity
from proxy.schema import canonical, options_of
from tidegate.checking.finding import Finding
from tidegate.checking.locating import routing_labels, words
from tidegate.composefile.imagined import Imagined
from tidegate.composefile.service import Label, Published

_ROOTS = (ROOT, TRAEFIK)
_WORDS = ("http", *(canonical(each.name) for each in options_of(ShortLabels).values()))


def compose_only(each: Imagined) -> Iterator[Finding]:
    for label in words(each):
        yield from dollars(each, label)
    for label in routing_labels(each):
        yield from quotes(each, label)
        yield from signs(each, label)
    yield from mistyped_roots(each)
    yield from labels_of_swarm(each)


def said(each: Imagined, label: Label, severity: Severity, what: str, consequence: str) -> Finding:
    told = label.leaf.told
    written = told.raw[label.skipped :]
    subject = shown(each.container.name, label.name, written, secret=told.cuts_a_hash)
    return Finding(label.place, severity, subject, what, consequence)


def dollars(each: Imagined, label: Label) -> Iterator[Finding]:
    """A `$` that compose takes for a variable, or refuses."""
    told = label.leaf.told
    if told.cuts_a_hash:
        what = "Every single $ begins a variable for compose, which cuts the hash. Write each $ twice: $$"
        now = "Compose refuses the file." if told.invalid else "The password would never be right."
        yield said(each, label, "error", what, now)
    elif told.invalid:
        what = "A single $ begins a variable for compose, and here none can follow. Write $$"
        if told.cuts_a_group:
            what = "Compose takes ${1} for a variable of its own. Write $${1}"
        finding = said(each, label, "error", what, "Compose refuses the file.")
        yield Finding(label.leaf.spot(told.origins.index(told.invalid[0])), *_rest(finding))
    elif told.demanded:
        name = told.demanded[0][0]
        what = f"The variable {name} has to be set, and nobody sets it: in .env, {name}=..."
        yield said(each, label, "error", what, "Compose refuses the file.")
    elif told.unset:
        name = told.unset[0][0]
        what = f"Nobody sets the variable {name}. Write {name}=... in .env, or $${name} where a $ is meant."
        yield said(each, label, "warning", what, "Compose puts nothing in its place.")


def _rest(finding: Finding) -> tuple[Severity, str, str, str]:
    return finding.severity, finding.subject, finding.what, finding.consequence


def quotes(each: Imagined, label: Label) -> Iterator[Finding]:
    value = label.value
    if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]:
        what = f"The {value[0]} at both ends is part of the value. Write {label.name}={value[1:-1]}"
        if _is_telling(label.name, value):
            what = f"The {value[0]} at both ends is part of the value. Leave it out."
        yield said(each, label, "error", what, "The value is read with its quotes.")


def signs(each: Imagined, label: Label) -> Iterator[Finding]:
    """What stands between a label's name and its value, and is no lone `=`."""
    name, colon, value = (part.strip() for part in label.name.partition(":"))
    if label.bare and colon:
        what = f"A label in a list has a = and no colon. Write - {_pair(name, value or 'VALUE')}"
        yield said(each, label, "error", what, "Compose takes all of it for the label's name.")
    elif label.bare:
        what = f"There is no value. Write - {label.name}=VALUE"
        yield said(each, label, "warning", what, "Compose gives the label an empty value.")
    elif label.name != label.name.rstrip():
        what = f"No spaces around the =: write {_pair(label.name.rstrip(), label.value.lstrip())}"
        yield said(each, label, "error", what, "The space is part of the label's name.")


def _pair(name: str, value: str) -> str:
    return f"{name}={'...' if _is_telling(name, value) else value}"


def _is_telling(name: str, value: str) -> bool:
    """Of a name that is mistaken, all of it counts."""
    return is_telling(name, value) or bool(re.search(r"auth|user", name, re.IGNORECASE))


def mistyped_roots(each: Imagined) -> Iterator[Finding]:
    """Labels that nobody reads, because their first word is nearly ours."""
    for label in each.service.labels.values():
        root, dot, rest = label.name.partition(".")
        guess = closest(root, _ROOTS) if dot and root.lower() not in _ROOTS else None
        if own := own_label_meant(label.name):
            what = f"Tidegate does not read this label. Write {own}={label.value}"
            if _is_telling(own, label.value):
                what = f"Tidegate does not read this label. Write {own}"
            yield said(each, label, "error", what, "The label is ignored.")
        elif guess and _near(root.lower(), guess):
            what = f'"{root}" means nothing to Tidegate. Did you mean {guess}.{rest}?'
            yield said(each, label, "warning", what, "The label is ignored.")
    for name in ("VIRTUAL_HOSTS", "VIRTUALHOST", "VIRTUAL_HOSTNAME"):
        if variable := each.service.environment.get(name):
            what = "There is no such variable. Did you mean VIRTUAL_HOST?"
            yield said(each, variable, "warning", what, "The variable is ignored.")


def own_label_meant(name: str) -> str | None:
    """The label of ours that this is a misspelt one of; None where it is one, or may be somebody else's.

    Another sign than a dot counts only before a word that we have.
    """
    lowered = name.lower()
    if lowered.startswith(f"{ROOT}."):
        return None
    if found := re.fullmatch(r"([a-z]+[-_ ]?[a-z]+)\.(.+)", lowered):
        root, rest = found.groups()
        plain = re.sub("[-_ ]", "", root)
        if plain == ROOT or _near(plain, ROOT):
            return f"{ROOT}.{name[len(name) - len(rest) :]}"
    if found := re.fullmatch(r"([a-z]+)[-_/:]+([a-z]+)(.*)", lowered):
        root, word, more = found.groups()
        if (root == ROOT or _near(root, ROOT)) and any(map(partial(_same, word), _WORDS)):
            return f"{ROOT}.{name[len(name) - len(word + more) :]}"
    return None


def _same(word: str, known: str) -> bool:
    return word == known or (len(word) > 3 and _near(word, known))


def _near(word: str, known: str) -> bool:
    """One letter more, less, other, or two exchanged."""
    if sorted(word) == sorted(known):
        return True
    one, other = sorted((word, known), key=len)
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    return any(other[:n] + other[n + 1 :] == one for n in range(len(other)))


def labels_of_swarm(each: Imagined) -> Iterator[Finding]:
    for name, label in each.service.deploy_labels.items():
        if name.lower().startswith((f"{ROOT}.", f"{TRAEFIK}.")):
            what = (
                "Labels below deploy: are for Swarm; no container gets them. "
                f"Move them to labels: of {each.service.name}."
            )
            severity: Severity = "warning" if routing_labels(each) else "error"
            yield said(each, label, severity, what, "They are ignored.")
            return


def ways_past(each: Imagined, config: RoutingConfig) -> Iterator[Finding]:
    """Published ports that lead to the app without passing the proxy."""
    served = {
        (server.port, name)
        for name, service in config.services.items()
        for server in service.servers
        if server.owner == each.container.id
    }
    for port in each.service.ports:
        if port.protocol == "tcp" and not port.loopback and port.target in {number for number, _ in served}:
            outside = f"Port {port.published}" if port.published else "A port"
            what = f"{outside} of this machine leads to the app past Tidegate. "
            what += f"Leave it out, or write {_inside(port)}"
            now = "Whoever comes that way meets no HTTPS, no password and no allow list."
            subject = f"{each.container.name}: ports"
            yield Finding(port.place, "warning", subject, what, now)


def _inside(port: Published) -> str:
    return f"127.0.0.1:{port.published or port.target}:{port.target}"


def ports_mixed_up(each: Imagined, labels: Iterable[Label]) -> Iterator[Finding]:
    """The machine's port where the app's is wanted."""
    inside = {*each.container.exposed}
    for label in labels:
        if not re.search(r"(^tidegate(\.[^.]+)?|\.server)\.port$|^VIRTUAL_PORT$", label.name, re.IGNORECASE):
            continue
        if not label.value.isdigit() or int(label.value) in inside:
            continue
        port = int(label.value)
        outside = next((p for p in each.service.ports if p.published == port), None)
        if outside:
            what = f"{port} is a port of this machine; in its container the app listens on {outside.target}. "
            what += f"Write {label.name}={outside.target}"
            yield said(each, label, "warning", what, f"Requests go to port {port} of the container.")
        elif inside:
            known = ", ".join(map(str, sorted(inside)))
            what = f"expose and ports of the service name {known}, not {port}."
            yield said(each, label, "notice", what, "It is used as it is: the image may expose it.")
