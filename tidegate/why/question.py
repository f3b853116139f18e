"""Question: a URL as the request that a client would send for it, read as the listener would read it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import quote

from proxy.authority import parse_authority
from proxy.exchange import RequestHead
from proxy.fields import MessageError
from proxy.frozen import frozen
from proxy.head import scan_request
from proxy.headers import BadRequest, TrustedProxies, received
from proxy.table import Entrypoint

PORTS = {"http": 80, "https": 443}
SAFE = "/?#[]@!$&'()*+,;=:%-._~"


class Unanswerable(Exception):
    """There is no such request; the text says why."""


@frozen
class Question:
    """`port` None is the scheme's own; `scheme` is the one typed, or the one a browser would try."""

    scheme: str
    authority: str
    host: str
    port: int | None
    target: str
    method: str = "GET"
    client: str = "127.0.0.1"
    fields: tuple[tuple[str, str], ...] = ()
    entrypoint: str = ""
    """The one that is known; "" where the URL says it."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def read_question(
    text: str, *, method: str = "", client: str = "", headers: Sequence[str] = (), secure: bool = True
) -> Question:
    """The question in these words; without a scheme it is HTTPS where somebody serves that (`secure`)."""
    scheme, sign, rest = text.strip().partition("://")
    if not sign:
        scheme, rest = ("https" if secure else "http"), text.strip()
    if scheme.lower() not in PORTS:
        raise Unanswerable(f'Tidegate serves http and https, not "{scheme}".')
    rest = rest.partition("#")[0]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, target = rest[:cut], rest[cut:]
    try:
        authority = authority if authority.isascii() else authority.encode("idna").decode()
        host, port = parse_authority(authority)
    except (ValueError, UnicodeError):
        raise Unanswerable(f'"{authority}" is not a host.') from None
    target = quote(target if target.startswith("/") else f"/{target}", safe=SAFE)
    fields = tuple(map(read_header, headers))
    return Question(
        scheme.lower(), authority, host, port, target, method or "GET", client or "127.0.0.1", fields
    )


def read_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise Unanswerable(f'A header is "Name: value", not "{text}".')
    return name.strip(), value.strip()


def entrypoint_for(question: Question, entrypoints: Sequence[Entrypoint]) -> Entrypoint:
    """Where such a client arrives.

    Visitors may come through another port than the one listened on (`-p 443:8443`),
    so a URL without a port means the usual entrypoint of its scheme.
    """
    if where := next((each for each in entrypoints if each.name == question.entrypoint), None):
        return where
    tls = question.scheme == "https"
    if question.port is not None and question.port != PORTS[question.scheme]:
        fitting = [each for each in entrypoints if each.port == question.port]
        if not fitting:
            known = ", ".join(f"{each.name} on {each.port}" for each in entrypoints)
            raise Unanswerable(f"No entrypoint listens on port {question.port}. Known: {known or 'none'}.")
        if fitting[0].tls != tls:
            speaks = "https" if fitting[0].tls else "http"
            raise Unanswerable(
                f"Port {question.port} speaks {speaks} (entrypoint {fitting[0].name}): ask for {speaks}://."
            )
        return fitting[0]
    alike = [each for each in entrypoints if each.tls == tls]
    if not alike:
        raise Unanswerable(f"No entrypoint speaks {question.scheme}.")
    return min(alike, key=lambda each: (each.port != PORTS[question.scheme], not each.default))


def reached_at(question: Question, entry: Entrypoint) -> str:
    """The URL by which this machine gets there: a port that is not the usual one is said."""
    usual = PORTS[question.scheme]
    if question.port is not None or question.entrypoint or entry.port in (None, 0, usual):
        return question.url
    return f"{question.scheme}://{question.authority.rstrip(':')}:{entry.port}{question.target}"


def arrived(question: Question, entry: Entrypoint, trusted: TrustedProxies) -> tuple[RequestHead, str]:
    """The head as routing sees it, and the protocol that it asks to upgrade to."""
    host = (
        () if any(name.lower() == "host" for name, _ in question.fields) else (("Host", question.authority),)
    )
    lines = [f"{name}: {value}\r\n" for name, value in (*host, *question.fields)]
    block = f"{question.method} {question.target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()
    try:
        peer = ip_address(question.client)
    except ValueError:
        raise Unanswerable(f'"{question.client}" is not an address.') from None
    try:
        scanned = scan_request(block)
        if scanned is None or scanned.size != len(block):
            raise Unanswerable("This is not one request.")
        port = entry.port or PORTS[question.scheme]
        head = received(scanned, peer=peer, tls=entry.tls, local_port=port, trusted=trusted)
    except (MessageError, BadRequest) as bad:
        status = bad.status if isinstance(bad, MessageError) else 400
        raise Unanswerable(f"{question.url} gets {status}: {bad}.") from None
    return head, scanned.upgrade
