"""nginx-proxy: the variables that containers have for nginx-proxy and acme-companion.

They stand in a container's environment, not in its labels.  What nginx does
with raw configuration of its own cannot be done here, and is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from discovery.container import Container
from discovery.dialects.native import closed
from discovery.label_text import ROOT, shown
from discovery.language import Language
from discovery.spoken import LongLabel, Spoken, element_name
from proxy.problem import Problem, Severity

__all__ = ["closed", "speak"]

HTTP = f"{ROOT}.http"
INTERNAL = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
OWN_LABELS = "com.github.nginx-proxy.nginx-proxy."
DEFAULT_PORT = "80"
CHOSEN = "Tidegate chooses certificates by host name and TLS by itself."
METHODS = ("redirect", "noredirect", "nohttp", "nohttps")
REFUSED = {
    "VIRTUAL_HOST_MULTIPORTS": "Write several sites as tidegate.SITE.host and tidegate.SITE.port.",
    "VIRTUAL_PROTO": "Only http, https and grpc are served.",
    "VIRTUAL_PATH": "Write a path, or = before it, or ~ before an expression.",
    "VIRTUAL_DEST": "Only a path can take the place of a path.",
    "NETWORK_ACCESS": "Write internal or external.",
    "HTTPS_METHOD": f"Write one of {', '.join(METHODS)}.",
}
_SAID = {
    "CERT_NAME": CHOSEN,
    "SSL_POLICY": CHOSEN,
    "VIRTUAL_ROOT": "Files are not served.",
    "SERVER_TOKENS": "Tidegate does not name itself in answers.",
}


def speak(container: Container, language: Language, problems: list[Problem]) -> Spoken | None:
    """What the variables say; None after a mistake that leaves open what is meant."""
    reader = _Reader(container, problems)
    if reader.refuses():
        return None
    reader.say_what_is_left_out()
    name = element_name(container.app)
    return Spoken(name=name, labels=tuple(reader.long_labels(name)), implies=True, port_label="VIRTUAL_PORT")


@dataclass(slots=True)
class _Reader:
    container: Container
    problems: list[Problem]

    def value(self, name: str, usual: str = "") -> str:
        return self.container.environment.get(name, "").strip() or usual

    def say(self, name: str, what: str, consequence: str, severity: Severity) -> None:
        value = self.container.environment.get(name) or self.container.labels.get(name, "")
        self.problems.append(Problem(shown(self.container.name, name, value), what, consequence, severity))

    def refuses(self) -> bool:
        """Whether something is asked for without which others could visit, or requests would go elsewhere."""
        path, dest = self.value("VIRTUAL_PATH", "/"), self.value("VIRTUAL_DEST")
        wrong = {
            "VIRTUAL_HOST_MULTIPORTS": bool(self.value("VIRTUAL_HOST_MULTIPORTS")),
            "VIRTUAL_PROTO": self.value("VIRTUAL_PROTO", "http") not in ("http", "https", "grpc"),
            "VIRTUAL_PATH": _location(path) is None,
            "VIRTUAL_DEST": bool(dest) and not (path.startswith("/") and dest.startswith("/")),
            "NETWORK_ACCESS": self.value("NETWORK_ACCESS", "external") not in ("internal", "external"),
            "HTTPS_METHOD": self.value("HTTPS_METHOD", "redirect") not in METHODS,
        }
        for name, is_so in wrong.items():
            if is_so:
                self.say(name, REFUSED[name], f'Container "{self.container.name}" is not served.', "error")
        return any(wrong.values())

    def say_what_is_left_out(self) -> None:
        for name, what in _SAID.items():
            if self.value(name):
                self.say(name, what, "It changes nothing.", "notice")
        for label in sorted(self.container.labels):
            if label.startswith(OWN_LABELS):
                self.say(label, "This is for nginx alone.", "It changes nothing.", "warning")
        for host in self.hosts():
            if host.startswith("*."):
                self.say(
                    "VIRTUAL_HOST", f"{host} stands for names one level below.", "Others get a 404.", "notice"
                )
            elif host.startswith("~") or host.endswith(".*"):
                what = f"For {host} no certificate can be obtained: it is no name."
                self.say("VIRTUAL_HOST", what, "It is served with Tidegate's own.", "warning")

    def hosts(self) -> list[str]:
        return [each for part in self.value("VIRTUAL_HOST").split(",") if (each := part.strip())]

    def long_labels(self, name: str) -> Iterator[LongLabel]:
        yield LongLabel(f"{HTTP}.routers.{name}.rule", self.rule(), "VIRTUAL_HOST")
        if len(self.hosts()) > 1 and self.value("VIRTUAL_PATH", "/") == "/":
            rank = min(len(_host(host)) for host in self.hosts())  # many names make no special rule
            yield LongLabel(f"{HTTP}.routers.{name}.priority", str(rank), "VIRTUAL_HOST")
        server = f"{HTTP}.services.{name}.loadbalancer.server"
        port = self.value("VIRTUAL_PORT") or ("" if len(self.container.exposed) == 1 else DEFAULT_PORT)
        if port:
            yield LongLabel(f"{server}.port", port, "VIRTUAL_PORT")
        yield LongLabel(f"{server}.scheme", self.value("VIRTUAL_PROTO", "http"), "VIRTUAL_PROTO")
        passed = list(self.middlewares(name))
        yield from passed
        names = ",".join(dict.fromkeys(label.path[1] for label in passed))
        if names:
            yield LongLabel(f"{HTTP}.routers.{name}.middlewares", names, passed[0].written)
        yield from self.ways_in(name, names)

    def rule(self) -> str:
        hosts = " || ".join(map(_host, self.hosts()))
        location = _location(self.value("VIRTUAL_PATH", "/"))
        if not location:
            return hosts
        return f"({hosts}) && {location}" if " || " in hosts else f"{hosts} && {location}"

    def middlewares(self, name: str) -> Iterator[LongLabel]:
        element = f"{HTTP}.middlewares.{name}"
        if self.value("NETWORK_ACCESS") == "internal":
            yield LongLabel(f"{element}-internal.ipallowlist.sourcerange", INTERNAL, "NETWORK_ACCESS")
        if seconds := re.search(r"max-age=([0-9]+)", self.value("HSTS")):
            yield LongLabel(f"{element}-hsts.headers.stsseconds", seconds[1], "HSTS")
        path, dest = self.value("VIRTUAL_PATH", "/").rstrip("/"), self.value("VIRTUAL_DEST")
        if dest and path:
            yield LongLabel(f"{element}-strip.stripprefix.prefixes", path, "VIRTUAL_DEST")
        if dest.rstrip("/"):
            yield LongLabel(f"{element}-dest.addprefix.prefix", dest.rstrip("/"), "VIRTUAL_DEST")

    def ways_in(self, name: str, middlewares: str) -> Iterator[LongLabel]:
        """HTTPS_METHOD; `noredirect` needs a second router, for plain HTTP."""
        router = f"{HTTP}.routers.{name}"
        match self.value("HTTPS_METHOD", "redirect"):
            case "nohttps":
                yield LongLabel(f"{router}.tls", "false", "HTTPS_METHOD")
            case "noredirect":
                yield LongLabel(f"{router}-plain.rule", self.rule(), "VIRTUAL_HOST")
                yield LongLabel(f"{router}-plain.tls", "false", "HTTPS_METHOD")
                if middlewares:
                    yield LongLabel(f"{router}-plain.middlewares", middlewares, "HTTPS_METHOD")
            case "nohttp":
                self.say("HTTPS_METHOD", "Plain HTTP is redirected.", "No app answers it.", "notice")


def _host(host: str) -> str:
    if host.startswith("~"):
        return f"HostRegexp(`{host[1:]}`)"
    if host.endswith(".*"):
        return f"HostRegexp(`^{re.escape(host[:-2])}\\.`)"
    return f"Host(`{host}`)"


def _location(text: str) -> str | None:
    """nginx's location as a matcher, empty for the whole site; None where there is none."""
    if text == "/":
        return ""
    found = re.fullmatch(r"(=|\^~|~\*?)?\s*([^\s`]+)", text)
    if found is None:
        return None
    match found[1]:
        case "~" | "~*":
            return f"PathRegexp(`{'(?i)' if found[1] == '~*' else ''}{found[2]}`)"
        case sign if found[2].startswith("/"):
            return f"Path(`{found[2]}`)" if sign == "=" else f"PathPrefix(`{found[2]}`)"
    return None
