"""Settings: the install configuration, fixed at start; declared once, for flags, variables, file and docs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from proxy.schema import Duration, IPNetwork, option, options
from tidegate.addresses import OFF, Address, NamedAddress, Off
from tidegate.defaults import DefaultHeader, DefaultMiddleware
from tidegate.machine import default_data
from tidegate.setting_kinds import (
    CHALLENGES,
    Base64URL,
    Constraint,
    DefaultRule,
    Directories,
    DNSProvider,
    Domain,
    Email,
    EngineURL,
    HostRules,
    NamePair,
    NotifyURLs,
    Readers,
    ResolverAddress,
    ResolverSetting,
    Switch,
    Timeout,
    WorkerCount,
)


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
    allow_hosts: HostRules = option(
        doc="Which containers may claim which hosts: WHO=HOST, HOST; WHO=HOST. WHO is a compose project, "
        "`container:NAME`, or `*` for everybody; a HOST is a name, `*.example.com` for all names below it, "
        "or `*` for any. What is named for somebody is nobody else's by `*`, and the first to have a host "
        "keeps all of it; a project shows its own apps only. Without it all containers trust each other.",
        example="blog=blog.example.com, *.blog.example.com; *=*.apps.example.com",
        default=HostRules(""),
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
    default_entrypoints: tuple[str, ...] = option(
        doc="The entrypoints of routers that name none, as Traefik's `asDefault`.",
        example="websecure",
        default=("web", "websecure"),
    )
    default_middlewares: tuple[DefaultMiddleware, ...] = option(
        doc="Middlewares that requests of every router pass first; with `ENTRYPOINT=` in front, of those "
        "there. A name without `@docker` is one of a route file. While one is missing, whoever takes the "
        'defaults answers 503. A router does without by `tidegate.defaults: "false"`, '
        '`tidegate.http.routers.NAME.defaults: "false"` or `defaults: false` in a route file; labels come '
        "with images, so look at those of strangers.",
        example="secure, admin=lan-only",
        default=(),
    )
    default_headers: tuple[DefaultHeader, ...] = option(
        doc="Fields that visitors get with each answer of every router that takes the defaults; with "
        "`ENTRYPOINT=` in front, of those there. One with a comma takes a flag, or a line of a file's list.",
        example="X-Robots-Tag: none",
        default=(),
    )
    default_tls: Literal["auto", "internal", "off"] = option(
        doc="What `tidegate.tls` is where nobody says it: `internal` asks no authority but Tidegate's own.",
        example="internal",
        default="auto",
    )
    pages: Path | None = option(
        doc="A directory of your own pages for where no app answers, watched: `404.html` (also for names "
        "that no site has), `503.html`, `4xx.html`, `5xx.html`, up to 256 KiB each. `{{status}}`, "
        "`{{title}}` and `{{message}}` stand for what is told. Programs that ask for JSON or text get that.",
        example="/etc/tidegate/pages",
        default=None,
    )
    trusted_proxies: tuple[IPNetwork, ...] = option(
        doc="Networks of proxies in front of this one, believed about a visitor's address and scheme.",
        example="10.0.0.0/8, 192.168.1.7",
        default=(),
    )
    explain_to: tuple[Readers, ...] = option(
        doc="Who reads the answer of `tidegate why` below Tidegate's own pages with 404, 502, 503 and 504: "
        "networks, or `lan` for private addresses other than this machine's own. Nobody by default, because "
        "an address does not say who asks: behind Docker's userland proxy or a tunnel the whole world has a "
        "private one. So nobody is told who comes from a gateway's address, from a trusted proxy that does "
        "not say for whom, or with a field of another proxy's. Their requests take the slower lane.",
        example="lan",
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
    own_certificates: Path | None = option(
        doc="A directory of certificates of your own, watched: pairs `NAME.crt` and `NAME.key`, or folders "
        "with `fullchain.pem` and `privkey.pem`. Nothing is ordered for the names that they cover, as long "
        "as they are good. Of two for one name the one that lasts longer is served.",
        example="/etc/tidegate/certificates",
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
    acme_challenges: tuple[Literal["http-01", "tls-alpn-01", "dns-01"], ...] = option(
        doc="How the authority may make sure that a name leads here, the first to be tried first: `http-01` "
        "(it asks port 80), `tls-alpn-01` (port 443), `dns-01` (with "
        "`dns`, and then before the others). The next attempt after a failed one is with the next. "
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
    acme_wildcards: tuple[Domain, ...] = option(
        doc="Domains whose subdomains share one certificate, `*.example.com`, instead of one each. "
        "Needs `dns`.",
        example="example.com, home.example.net",
        default=(),
    )
    resolver: tuple[ResolverSetting, ...] = option(
        doc="More ways to get certificates, by names that routers give: `tidegate.tls: NAME`, or "
        "`tls.certresolver` in the long form. NAME.SETTING=VALUE each; in a file `resolver:` with the names "
        "below it, and their settings below those. A resolver has settings of its own for `acme-ca`, "
        "`acme-email`, `acme-profile`, `acme-preferred-chain`, `acme-ca-bundle`, `acme-eab-kid`, "
        "`acme-eab-hmac-file`, `acme-challenges` and `dns`. What it does not say is as the installation has "
        "it; profile, chain, bundle and external account go with the authority, so a resolver with an "
        "`acme-ca` of its own has those of nobody else. One with a comma takes a flag, or a line of a file's "
        "list.",
        example="company.acme-ca=https://ca.example.lan/acme/directory",
        default=(),
    )
    dns: DNSProvider | Off = option(
        doc="Who serves your zones and can be told to add a record: proofs are given there then (DNS-01), "
        "which needs no open port and is the only proof for a wildcard. Its credentials are variables of the "
        "names that other programs use, or the same with `_FILE`: docs/dns.md. `off` for none.",
        example="cloudflare",
        default=OFF,
    )
    dns_resolvers: tuple[ResolverAddress, ...] = option(
        doc="The DNS resolvers to ask where a zone begins and who serves it, where this machine's own see "
        "another DNS than the world does.",
        example="1.1.1.1, 9.9.9.9",
        default=(),
    )
    dns_check: Switch = option(
        doc="Whether to wait until all servers of the zone have a record before the certificate authority "
        "is asked to look, at most two minutes. `off` where this network lets no such question out.",
        example="off",
        default=Switch("on"),
    )
    dns_wait: Duration = option(
        doc="How long to wait after that, whatever the servers said.",
        example="30s",
        default=Duration(0),
    )
    notify: NotifyURLs | None = option(
        doc="Where you are told what needs you: a certificate that is not renewed (with the cause and what "
        "helps, and again with 14, 7, 3 days and 1 left), an authority out of order, a storage that takes "
        "nothing, and when that is over; the same thing once a day. `ntfys://HOST/TOPIC`, "
        "`gotifys://HOST/TOKEN`, `discord://ID/TOKEN`, `smtps://USER:PASSWORD@HOST/?to=ADDRESS`, any "
        "`https://` address that takes JSON, and with `tidegate[apprise]` installed all that apprise knows. "
        "Several between commas, or one a line. Try it: `tidegate notify test`.",
        example="ntfys://ntfy.example.com/tidegate",
        default=None,
        secret=True,
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


def possible_challenges(settings: Settings) -> tuple[str, ...]:
    """The kinds of challenges that can be answered with what is set, the first to be tried first."""
    here = {"tls-alpn-01" if entry.tls else "http-01" for entry in settings.entrypoints}
    if not isinstance(settings.dns, Off):
        here.add("dns-01")
    return tuple(kind for kind in settings.acme_challenges or CHALLENGES if kind in here)
