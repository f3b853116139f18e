"""Settings: the install configuration, fixed at start; declared once, for flags, variables, file and docs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from proxy.problem import Problem
from proxy.schema import Duration, IPNetwork, Unfit, closest, option, options
from tidegate.addresses import Address, NamedAddress, Off

CHALLENGES = ("http-01", "tls-alpn-01")
KNOWN_CAS = ("letsencrypt", "letsencrypt-staging", "zerossl")


class Directories(str):
    """ACME authorities by their known names or by the URLs of their directories, between commas."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Directories:
        parts = [cls._one(part.strip()) for part in text.split(",")]
        if len(set(parts)) < len(parts):
            raise Unfit("each authority once", text)
        return cls(",".join(parts))

    @property
    def each(self) -> tuple[str, ...]:
        return tuple(self.split(","))

    @classmethod
    def _one(cls, text: str) -> str:
        if text.lower() in KNOWN_CAS:
            return text.lower()
        if re.fullmatch(r"https://[^\s/@]+(/\S*)?", text, re.IGNORECASE):  # RFC 8555 6.1: HTTPS, nothing else
            return text
        expected = f"{', '.join(KNOWN_CAS)} or the https:// URL of a directory"
        meant = closest(text, [*KNOWN_CAS, "off"])
        raise Unfit(f'{expected} (perhaps "{meant}")' if meant else expected, text)


class EngineURL(str):
    """Where a Docker engine answers."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> EngineURL:
        if not re.fullmatch(r"(unix://|tcp://|ssh://|https?://|npipe://)\S+", text):
            raise Unfit("unix:///var/run/docker.sock, tcp://HOST:PORT or ssh://USER@HOST", text)
        return cls(text)


class Email(str):
    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Email:
        text = text.removeprefix("mailto:")
        if not re.fullmatch(r"[^\s@,<>]{1,64}@[^\s@,<>]{1,253}", text):
            raise Unfit("an e-mail address", text)
        return cls(text)


class Base64URL(str):
    """A key as ACME authorities hand it out."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Base64URL:
        if not re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", text):
            raise Unfit("a key in base64url: letters, digits, - and _", text)
        return cls(text)


class Switch(str):
    """`on` or `off`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Switch:
        meaning = {"on": "on", "off": "off", "true": "on", "false": "off"}.get(text.lower())
        if meaning is None:  # YAML reads a bare `off` as false
            raise Unfit("on or off", text)
        return cls(meaning)


class WorkerCount(int):
    """How many processes serve; `auto` is one for each core that this one may use."""

    MOST = 128

    @classmethod
    def parse(cls, text: str) -> WorkerCount:
        if text.lower() == "auto":
            return cls(min(cores(), cls.MOST))
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= cls.MOST:
            raise Unfit(f"a number from 1 to {cls.MOST}, or auto", text)
        return cls(text)


def cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class DefaultRule(str):
    """A rule with `{{ ... }}` in it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> DefaultRule:
        from discovery.template import Template  # only who has one pays for it

        Template.parse(text)
        return cls(text)


class Constraint(str):
    """An expression over labels."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Constraint:
        from discovery.constraints import Constraints

        Constraints.parse(text)
        return cls(text)


class NamePair(str):
    """NAME=MEANING."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> NamePair:
        name, sign, meaning = (part.strip() for part in text.partition("="))
        if not name or not sign or not meaning:
            raise Unfit("NAME=MEANING, such as internal=websecure", text)
        return cls(f"{name}={meaning}")


class Timeout(Duration):
    """A duration that can run out."""

    @classmethod
    def parse(cls, text: str) -> Timeout:
        if (seconds := Duration.parse(text)) <= 0:
            raise Unfit("a duration above zero", text)
        return cls(seconds)


@options
class Settings:
    """What an installation of Tidegate is told at its start."""

    web: Address | Off = option(
        doc="Where plain HTTP is served: the entrypoint `web`. Port 0 takes any free port. `off` for none.",
        example="127.0.0.1:8080",
        default=Address("", 80),
    )
    websecure: Address | Off = option(
        doc="Where HTTPS is served: the entrypoint `websecure`. `off` for none.",
        example="[::]:443",
        default=Address("", 443),
    )
    entrypoint: tuple[NamedAddress, ...] = option(
        doc="More entrypoints, NAME=ADDR each; `/tls` behind the address makes it HTTPS.",
        example="admin=127.0.0.1:8443/tls",
        default=(),
    )
    docker: EngineURL | Off | None = option(
        doc="The Docker engine to watch. Without it: the one that DOCKER_HOST names, else the local socket. "
        "`off` for none.",
        example="unix:///var/run/docker.sock",
        default=None,
    )
    routes: Path | None = option(
        doc="A YAML file or a directory of them, watched: routes to apps that are not containers.",
        example="/etc/tidegate/routes.yaml",
        default=None,
    )
    dialects: tuple[Literal["tidegate", "traefik", "nginx-proxy", "caddy"], ...] = option(
        doc="Whose labels are understood; `nginx-proxy` stands for its variables. Where a container has "
        "words of several, the first of these counts.",
        example="tidegate",
        default=("tidegate", "traefik"),
    )
    default_rule: DefaultRule = option(
        doc="The rule of containers that ask to be served and say no host: text with `{{ ... }}` in it, as "
        "Traefik's `defaultRule`.",
        example="Host(`{{ normalize .Name }}.example.com`)",
        default=DefaultRule(""),
    )
    serve_all: Switch = option(
        doc="Whether every container asks to be served, as with Traefik's `exposedByDefault`.",
        example="on",
        default=Switch("off"),
    )
    constraints: Constraint = option(
        doc="Look only at containers whose labels fulfil this.",
        example="Label(`zone`, `home`) && !LabelRegex(`com.docker.compose.project`, `^test`)",
        default=Constraint(""),
    )
    network: str = option(
        doc="The network to reach containers by, where they share several with Tidegate and say nothing.",
        example="proxy",
        default="",
    )
    traefik_names: tuple[NamePair, ...] = option(
        doc="What names in Traefik's labels stand for here: entrypoints, resolvers (`auto`) and TLS options "
        "(`default`). `http`, `https`, `le`, `letsencrypt` and their like are known.",
        example="internal=websecure, modern=default",
        default=(),
    )
    trusted_proxies: tuple[IPNetwork, ...] = option(
        doc="Networks of proxies in front of this one, believed about a visitor's address and scheme.",
        example="10.0.0.0/8, 192.168.1.7",
        default=(),
    )
    upstream_timeout: Timeout = option(
        doc="How long an app may take to the first byte of its answer.",
        example="90s",
        default=Timeout(60),
    )
    fast_lane: Switch = option(
        doc="Whether requests that need nothing of aiohttp pass beside it, several times faster. `off` is "
        "for finding out whether that is where a fault lies.",
        example="off",
        default=Switch("on"),
    )
    workers: WorkerCount = option(
        doc="How many processes serve; `auto` is one for each core. With 1 the program serves itself; with "
        "more it only directs, and the workers, of 35 MB each, hold neither the Docker socket nor the ACME "
        "account. What is "
        "counted or remembered between requests (`rateLimit`, `inFlightReq`, `circuitBreaker`, whose turn a "
        "server is, passwords) each worker counts and remembers for itself.",
        example="auto",
        default=WorkerCount(1),
    )
    data: Path | None = option(
        doc="Where account, certificates and the control socket live. Without it: `/data` in a container "
        "that has it, `/var/lib/tidegate` for root, else `$XDG_DATA_HOME/tidegate` or "
        "`~/.local/share/tidegate`.",
        example="/srv/tidegate",
        default=None,
    )
    acme_email: Email | None = option(
        doc="The address that the certificate authority may write to.",
        example="you@example.com",
        default=None,
    )
    acme_ca: Directories | Off = option(
        doc="Who issues certificates for public names: `letsencrypt`, `letsencrypt-staging`, `zerossl`, or "
        "the URL of an ACME directory, which is then asked for every name. Of several, with commas between "
        "them, the next one is asked while the one before is out of order or has no more to give. `off`: "
        "only Tidegate's own.",
        example="letsencrypt,zerossl",
        default=Directories("letsencrypt"),
    )
    acme_profile: str = option(
        doc="The kind of certificate to ask for, where the authority offers several: with Let's Encrypt "
        "`classic`, `tlsserver` or `shortlived`. One that it does not know is left out, with a warning.",
        example="tlsserver",
        default="",
    )
    acme_preferred_chain: str = option(
        doc="The common name of the root that the certificates should lead to, where the authority offers "
        "several chains.",
        example="ISRG Root X1",
        default="",
    )
    acme_ca_bundle: Path | None = option(
        doc="Certificates (PEM) to trust when talking to the ACME authority, instead of the system's.",
        example="/etc/tidegate/ca.pem",
        default=None,
    )
    acme_eab_kid: str = option(
        doc="The key identifier of an external account, for authorities that ask for one.",
        example="kid-1",
        default="",
    )
    acme_eab_hmac: Base64URL | None = option(
        doc="The key of the external account, in base64url.",
        example="zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        default=None,
        secret=True,
    )
    acme_challenges: tuple[Literal["http-01", "tls-alpn-01"], ...] = option(
        doc="How the authority may make sure that a name leads here, the first to be tried first: `http-01` "
        "(it asks port 80), `tls-alpn-01` (port 443). The next attempt after a failed one is with the next. "
        "Without it: whatever can be done with the entrypoints there are.",
        example="tls-alpn-01",
        default=(),
    )
    acme_preflight: Switch = option(
        doc="Whether to look, before a host's first order from a public authority, at what that will see: "
        "where the name leads, who answers there, what CAA records allow. What would fail for certain is "
        "not asked for; all else is only told.",
        example="off",
        default=Switch("on"),
    )
    dashboard: Address | Off = option(
        doc="Where the dashboard and its JSON are served. It asks for no password: whoever reaches the "
        "address may read. `off` for none.",
        example="off",
        default=Address("127.0.0.1", 8900),
    )
    log_level: Literal["debug", "info", "warning", "error"] = option(
        doc="The least that is logged; requests are logged at `info`.",
        example="warning",
        default="info",
    )
    log_format: Literal["auto", "console", "json"] = option(
        doc="How it is logged: `console` for people, `json` for programs, `auto` by who reads it.",
        example="json",
        default="auto",
    )

    @property
    def entrypoints(self) -> tuple[NamedAddress, ...]:
        """Every listener, by its name."""
        usual = (("web", self.web, False), ("websecure", self.websecure, True))
        first = [NamedAddress(name, place, tls) for name, place, tls in usual if isinstance(place, Address)]
        return (*first, *self.entrypoint)

    @property
    def data_directory(self) -> Path:
        return self.data or default_data()


def contradictions(settings: Settings) -> Iterator[Problem]:
    """What is wrong with settings that are each right on their own."""
    names: set[str] = {"web", "websecure"}
    for entry in settings.entrypoint:
        if entry.name in names:
            instead = (
                f"Use --{entry.name} for it."
                if entry.name in ("web", "websecure")
                else "Name it differently."
            )
            yield Problem(f"entrypoint={entry}", f'There is already an entrypoint "{entry.name}". {instead}')
        names.add(entry.name)
    yield from clashes(settings)
    if bool(settings.acme_eab_kid) != bool(settings.acme_eab_hmac):
        given, missing = ("kid", "hmac") if settings.acme_eab_kid else ("hmac", "kid")
        yield Problem(f"acme_eab_{given}", f"An external account needs both: acme_eab_{missing} is missing.")
    if "zerossl" in str(settings.acme_ca).split(",") and not (
        settings.acme_eab_kid or settings.acme_eab_hmac
    ):
        yield Problem(
            "acme_ca=zerossl", "ZeroSSL wants an external account: set acme_eab_kid and acme_eab_hmac."
        )
    served = {"tls-alpn-01" if entry.tls else "http-01" for entry in settings.entrypoints}
    if settings.acme_challenges and not served & set(settings.acme_challenges):
        kind = settings.acme_challenges[0]
        where = "https" if kind == "tls-alpn-01" else "http"
        yield Problem(f"acme_challenges={kind}", f"There is no {where} entrypoint for {kind}.")
    if settings.acme_ca_bundle and not settings.acme_ca_bundle.is_file():
        yield Problem(f"acme_ca_bundle={settings.acme_ca_bundle}", "There is no such file.")


def clashes(settings: Settings) -> Iterator[Problem]:
    """Two listeners that cannot both have their port; every-address listeners take it from all."""
    taken: dict[int, list[tuple[str, str]]] = {}
    listeners = [(entry.name, entry.address) for entry in settings.entrypoints]
    if isinstance(settings.dashboard, Address):
        listeners.append(("dashboard", settings.dashboard))
    for name, address in listeners:
        if not address.port:
            continue
        for other, host in taken.setdefault(address.port, []):
            if not host or not address.host or host == address.host:
                yield Problem(
                    f"{name}={address}", f'"{other}" has this port already. Choose another one for "{name}".'
                )
        taken[address.port].append((name, address.host))


@dataclass(frozen=True, slots=True)
class Machine:
    """What the default data directory depends on."""

    environ: Mapping[str, str]
    uid: int
    home: Callable[[], Path]
    in_container: bool
    has_data: bool


def this_machine() -> Machine:
    return Machine(
        environ=os.environ,
        uid=os.geteuid(),
        home=Path.home,
        in_container=any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")),
        has_data=os.access("/data", os.W_OK | os.X_OK) and Path("/data").is_dir(),
    )


def default_data(machine: Machine | None = None) -> Path:
    machine = machine or this_machine()
    if machine.in_container and machine.has_data:
        return Path("/data")
    if machine.uid == 0:
        return Path("/var/lib/tidegate")
    xdg = machine.environ.get("XDG_DATA_HOME", "")
    base = Path(xdg) if xdg.startswith("/") else machine.home() / ".local" / "share"
    return base / "tidegate"
