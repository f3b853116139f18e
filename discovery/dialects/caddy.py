"""Caddy: labels of caddy-docker-proxy, as far as they say which requests go to the container.

A directive that is not known refuses its site: it may be what keeps visitors
out, and Caddy has more of them than anybody can guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from discovery.caddy_blocks import UPSTREAMS, Block, BrokenLabelError, belongs, read_blocks
from discovery.container import Container
from discovery.dialects.native import closed
from discovery.label_text import ROOT, shown
from discovery.language import INGRESS, Language
from discovery.spoken import LongLabel, Spoken, element_name
from proxy.frozen import frozen
from proxy.problem import Problem, Severity

__all__ = ["closed", "speak"]

HTTP = f"{ROOT}.http"
NOTHING = "It changes nothing."
WITHOUT = "The site is served without."
HARMLESS = ("log", "log_skip", "log_name", "skip_log", "tracing")
LATER = ("request_body", "handle_errors", "request_header", "metrics")
WAYS = ("handle", "handle_path", "route")
_HOSTS = re.compile(r"Host\(`([^`]*)`\)")
_ADDRESS = re.compile(r"(?:(https?)://)?((?:\*\.)?[A-Za-z0-9_.-]+)(?::(80|443))?(/\S*)?")


def speak(container: Container, language: Language, problems: list[Problem]) -> Spoken | None:
    """What the labels say; None after a mistake that leaves open what is meant."""
    name = element_name(container.app)
    try:
        blocks = read_blocks(container.labels)
    except BrokenLabelError as error:
        secret = "auth" in error.label.lower()  # the name of a user stands last there
        where = shown(container.name, error.label, container.labels[error.label], secret=secret)
        problems.append(Problem(where, str(error), f'Container "{container.name}" is not served.'))
        return None
    long: list[LongLabel] = []
    sites = [block for block in blocks if block.tokens and not block.tokens[0].startswith("(")]
    for block in blocks:
        own = name if len(sites) < 2 else f"{name}-{sites.index(block)}" if block in sites else ""
        site = _Site(container, own, problems)
        if block in sites:
            long += site.labels(block)
        else:
            site.say(block, "Options and snippets of Caddy are left to Caddy.", NOTHING, "notice")
    port = f"{min(belongs(container.labels))}.reverse_proxy={{{{upstreams PORT}}}}"
    return Spoken(name=name, labels=tuple(long), port_label=port, network_label=INGRESS)


class RefusedError(Exception):
    """The site cannot be served; `block` says where it stands."""

    def __init__(self, block: Block, what: str) -> None:
        super().__init__(what)
        self.block = block


@frozen
class _Way:
    """Conditions beside the hosts, and the middlewares that have been met."""

    parts: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()

    def further(self, part: str, *passed: str) -> _Way:
        return _Way((*self.parts, part) if part else self.parts, (*self.passed, *passed))


@dataclass(slots=True)
class _Site:
    container: Container
    name: str
    problems: list[Problem]
    hosts: str = ""
    plain: bool = False
    routers: int = 0
    declared: int = 0
    found: list[LongLabel] = field(default_factory=list)

    def say(self, block: Block, what: str, consequence: str, severity: Severity) -> None:
        value = self.container.labels.get(block.label, "")
        where = shown(self.container.name, block.label, value, secret="auth" in block.label.lower())
        self.problems.append(Problem(where, what, consequence, severity))

    def labels(self, block: Block) -> list[LongLabel]:
        try:
            self.take_addresses(block)
            self.walk(block, _Way(), {})
            if not self.routers:
                raise RefusedError(block, "Nothing says where requests go: reverse_proxy={{upstreams 80}}")
        except RefusedError as refused:
            self.say(refused.block, str(refused), "The site is not served; others are unaffected.", "error")
            return []
        return self.found

    def add(self, block: Block, name: str, value: str) -> None:
        self.found.append(LongLabel(f"{HTTP}.{name}", value, block.label))

    def take_addresses(self, block: Block) -> None:
        matched = [_ADDRESS.fullmatch(word.rstrip(",")) for word in block.tokens if word != ","]
        if None in matched:
            raise RefusedError(block, "Sites are host names, on the usual ports.")
        addresses = [each for each in matched if each]
        self.hosts = " || ".join(dict.fromkeys(f"Host(`{each[2]}`)" for each in addresses))
        plain = [each[1] == "http" or each[3] == "80" for each in addresses]
        self.plain = all(plain)
        if any(plain) and not self.plain:
            self.say(
                block,
                "All names of a site are served alike.",
                "Those with http:// over HTTPS, too.",
                "notice",
            )
        if any(each[4] not in (None, "/") for each in addresses):
            raise RefusedError(block, "A path stands in handle_path or in a matcher, not in the address.")

    def walk(self, above: Block, way: _Way, known: Mapping[str, str]) -> None:
        """What stands in one block: first who passes what, then where requests go."""
        declared = {each.name: _matcher(each) for each in above.blocks if each.name.startswith("@")}
        named = {**known, **declared}
        rest = [each for each in above.blocks if not each.name.startswith("@")]
        for block in rest:
            if block.name not in (*WAYS, "reverse_proxy", "redir"):
                way = way.further("", *self.passes(block))
        for block in rest:
            if block.name in (*WAYS, "reverse_proxy", "redir"):
                part, tokens = _matched(block, named)
                inner = way.further(part)
                if block.name == "reverse_proxy":
                    self.forward(block, tokens, inner)
                elif block.name == "redir":
                    self.redirect(block, tokens, inner)
                else:
                    if block.name == "handle_path":
                        inner = inner.further("", self.middleware(block, "stripprefix.prefixes", _cut(block)))
                    self.walk(block, inner, named)

    def passes(self, block: Block) -> list[str]:
        """The middlewares that a directive stands for."""
        match block.name, block.tokens:
            case "encode", _:
                return [self.middleware(block, "compress", "true")]
            case "header", ():
                return [self.fields(block, [(each, (each.name, *each.tokens)) for each in block.blocks])]
            case "header", tokens if not tokens[0].startswith(("/", "@")):
                return [self.fields(block, [(block, tuple(each for each in tokens if each != "*"))])]
            case "basic_auth" | "basicauth", () | ("*",):
                users = [f"{each.name}:{token}" for each in block.blocks for token in each.tokens[:1]]
                return [self.middleware(block, "basicauth.users", ",".join(users))]
            case "uri", ("strip_prefix", prefix):
                return [self.middleware(block, "stripprefix.prefixes", prefix)]
            case "tls", _ if "client_auth" not in block.below:
                self.say(block, "Tidegate chooses certificates by host name.", NOTHING, "notice")
                return []
        if block.name in HARMLESS:
            self.say(block, f"{block.name} is left to Caddy.", NOTHING, "notice")
        elif block.name in LATER:
            self.say(block, f"{block.name} is not served yet.", WITHOUT, "warning")
        else:
            raise RefusedError(block, f"{block.name} is not served, or not with these arguments.")
        return []

    def middleware(self, block: Block, option: str, value: str) -> str:
        self.declared += 1
        name = f"{self.name}-{option.partition('.')[0]}-{self.declared}"
        self.add(block, f"middlewares.{name}.{option}", value)
        return name

    def fields(self, block: Block, said: list[tuple[Block, tuple[str, ...]]]) -> str:
        """A middleware for fields of the answer: `-Name` removes, `Name value` sets."""
        self.declared += 1
        name = f"{self.name}-headers-{self.declared}"
        for each, (first, *rest) in said:
            if len(rest) > 1 or (first[0] in "?>" or "{" in "".join(rest)):
                self.say(each, "This way to change a field is not served yet.", WITHOUT, "warning")
                continue
            option = f"headers.customresponseheaders.{first.lstrip('+-')}"
            self.add(each, f"middlewares.{name}.{option}", "" if first[0] == "-" else "".join(rest))
        if not any(label.name.startswith(f"{HTTP}.middlewares.{name}.") for label in self.found):
            self.add(block, f"middlewares.{name}.headers", "true")
        return name

    def router(self, block: Block, way: _Way) -> str:
        self.routers += 1
        name = self.name if self.routers == 1 else f"{self.name}-{self.routers}"
        self.add(block, f"routers.{name}.rule", " && ".join((*self.asked(way), *dict.fromkeys(way.parts))))
        if way.passed:
            self.add(block, f"routers.{name}.middlewares", ",".join(way.passed))
        if self.plain:
            self.add(block, f"routers.{name}.tls", "false")
        self.add(block, f"routers.{name}.service", name)
        return name

    def asked(self, way: _Way) -> list[str]:
        """The site's hosts; no wildcard of which matchers take some names: only those want certificates."""
        chosen = [host for part in way.parts for host in _HOSTS.findall(part)]
        sites = _HOSTS.findall(self.hosts)
        if chosen and all(f"*.{host.partition('.')[2]}" in sites for host in chosen):
            return []
        return [f"({self.hosts})" if " || " in self.hosts and way.parts else self.hosts]

    def forward(self, block: Block, tokens: list[str], way: _Way) -> None:
        if len(tokens) != 1 or not tokens[0].startswith(UPSTREAMS):
            raise RefusedError(block, "Labels send requests to their own container only: {{upstreams PORT}}")
        _, scheme, port = tokens[0].split(":")
        for each in block.blocks:
            if each.name == "transport" and "tls_insecure_skip_verify" in each.below:
                self.say(each, "Certificates of apps are checked.", WITHOUT, "warning")
            elif each.name != "transport" or each.tokens[:1] != ("http",):
                self.say(each, f"{each.name} is not served yet.", WITHOUT, "warning")
            if each.name == "transport" and each.below.keys() & {"tls", "tls_insecure_skip_verify"}:
                scheme = "https"
        name = self.router(block, way)
        self.add(block, f"services.{name}.loadbalancer.server.scheme", scheme or "http")
        if port:
            self.add(block, f"services.{name}.loadbalancer.server.port", port)

    def redirect(self, block: Block, tokens: list[str], way: _Way) -> None:
        to, code = (*tokens, "", "")[:2]
        if not to or "{" in to.replace("{uri}", ""):
            raise RefusedError(block, "Of placeholders only {uri} is read here.")
        self.declared += 1
        name = f"{self.name}-redirect-{self.declared}"
        replacement = to.replace("$", "$$").replace("{uri}", "${1}")
        permanent = str(code in ("permanent", "301", "308")).lower()
        for option, value in (
            ("regex", "^https?://[^/]+(.*)$"),
            ("replacement", replacement),
            ("permanent", permanent),
        ):
            self.add(block, f"middlewares.{name}.redirectregex.{option}", value)
        router = self.router(block, way.further("", name))
        self.add(block, f"services.{router}.loadbalancer.server.scheme", "http")


def _matched(block: Block, named: dict[str, str]) -> tuple[str, list[str]]:
    """The condition that a directive begins with, and its other arguments."""
    first, *rest = block.tokens or ("",)
    if first == "*":
        return "", rest
    if first.startswith("@"):
        if not named.get(first):
            raise RefusedError(block, f"The matcher {first} is not declared beside it, or cannot be read.")
        return named[first], rest
    if first.startswith("/"):
        if not (path := _path(first)):
            raise RefusedError(block, "A star stands only at the end of a path.")
        return path, rest
    return "", list(block.tokens)


def _matcher(block: Block) -> str:
    """`@name` as a rule, empty where it is not read; its conditions hold together."""
    said = [block.tokens] if block.tokens else [(each.name, *each.tokens) for each in block.blocks]
    parts = list(_conditions(said))
    return " && ".join(parts) if parts and all(parts) else ""


def _conditions(said: list[tuple[str, ...]]) -> Iterator[str]:
    for kind, *values in said:
        match kind:
            case "host":
                yield _any([f"Host(`{each}`)" for each in values])
            case "path":
                yield _any([_path(each) for each in values])
            case "method":
                yield _any([f"Method(`{each}`)" for each in values])
            case "remote_ip" | "client_ip" if "private_ranges" not in values:
                yield _any([f"ClientIP(`{each}`)" for each in values])
            case _:
                yield ""


def _any(parts: list[str]) -> str:
    return f"({' || '.join(parts)})" if len(parts) > 1 else "".join(parts)


def _path(text: str) -> str:
    """Caddy's paths are whole unless a star ends them."""
    if "*" in text.removesuffix("*"):
        return ""
    return f"PathPrefix(`{text[:-1]}`)" if text.endswith("*") else f"Path(`{text}`)"


def _cut(block: Block) -> str:
    first = block.tokens[0] if block.tokens else ""
    if not first.startswith("/"):
        raise RefusedError(block, "handle_path needs a path, such as /app/*.")
    return first.rstrip("*").rstrip("/")
