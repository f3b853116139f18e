"""Failure: why no certificate came, in the CA's own words and in plain ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["preflight", "validation", "rate", "authority", "unreachable", "configuration", "dns", "bug"]
"""Who has to act: the host's owner (validation; preflight: no CA was asked yet),
nobody but time (rate), the CA (authority: it answered with an error of its own; unreachable: nothing came
through), whoever set up Tidegate (configuration) or its DNS provider (dns: no CA was asked yet), or its
authors (bug)."""

PLAIN: Mapping[str, tuple[Kind, str]] = {
    "connection": (
        "validation",
        "The CA could not open http://{host}/ on port 80. Is port 80 of this machine open to the CA"
        " and forwarded by the router, and does the name lead here?",
    ),
    "dns": (
        "validation",
        "The CA found no address for {host} in the DNS. Does the name have an A or AAAA record?",
    ),
    "dnssec": (
        "validation",
        "The DNSSEC signatures of the zone of {host} are broken; its DNS provider can repair them.",
    ),
    "unauthorized": (
        "validation",
        "Somebody else answered the CA for {host}. Does the name lead to this machine, on IPv6 too,"
        " and is there no other server on port 80?",
    ),
    "incorrectResponse": (
        "validation",
        "Somebody else answered the CA for {host}. Does the name lead to this machine, on IPv6 too?",
    ),
    "tls": ("validation", "The CA was redirected to HTTPS for {host} and the handshake failed."),
    "caa": (
        "configuration",
        "A CAA record in the DNS of {host} forbids this CA to issue. Add the CA to it, or remove it.",
    ),
    "rejectedIdentifier": ("configuration", "This CA does not certify {host} by its own rules."),
    "unsupportedIdentifier": ("configuration", "This CA does not certify names of the kind of {host}."),
    "rateLimited": ("rate", "The CA's limit for {host} is used up; it says when to ask again."),
    "externalAccountRequired": (
        "configuration",
        "This CA wants an account made on its web site first: set the EAB key id and HMAC key it gives.",
    ),
    "userActionRequired": ("configuration", "The CA wants its new terms of service agreed to first."),
    "invalidContact": ("configuration", "The CA does not accept the e-mail address of the ACME settings."),
    "unsupportedContact": (
        "configuration",
        "The CA does not accept the e-mail address of the ACME settings.",
    ),
    "invalidProfile": ("configuration", "The CA does not know the certificate profile."),
    "accountDoesNotExist": ("authority", "The CA no longer knows the account."),
    "serverInternal": ("validation", "The CA failed by a fault of its own while it handled {host}."),
    "badNonce": ("authority", "The CA refused every anti-replay number that it had itself given out."),
}

_WRONG = ("unauthorized", "incorrectResponse", "rejectedIdentifier")
"""What CAs call an answer that is not ours; the last one is smallstep's word, and so Caddy's."""

OTHER_WAYS: Mapping[tuple[str, str], str] = {
    **dict.fromkeys(
        (("dns-01", problem) for problem in (*_WRONG, "dns", "connection")),
        "The CA did not find our record below _acme-challenge.{name} in the DNS. Is the zone served by the"
        " provider that the record was written at, and does no CNAME lead elsewhere?",
    ),
    ("tls-alpn-01", "connection"): (
        "The CA could not open port 443 of {host}. Is it open to the CA and forwarded by the router, and does"
        " the name lead here?"
    ),
    **dict.fromkeys(
        (("tls-alpn-01", problem) for problem in (*_WRONG, "tls")),
        "Somebody else answered the CA for {host} on port 443. Does the name lead to this machine, on IPv6"
        " too, and does nothing before it end TLS?",
    ),
}
"""For challenges in which nobody comes to port 80."""


class Failure(Exception):
    """One attempt that came to nothing.

    `cause` is for people; `detail` is what the CA said, word for word;
    `problem` is the last part of its RFC 8555 6.7 error type.  `retry_after`
    counts seconds.  `wide` says that every host of this CA is concerned.
    """

    def __init__(
        self,
        kind: Kind,
        cause: str,
        *,
        detail: str = "",
        problem: str = "",
        status: int = 0,
        retry_after: float | None = None,
        wide: bool | None = None,
    ) -> None:
        super().__init__(cause)
        self.kind: Kind = kind
        self.cause = cause
        self.detail = detail
        self.problem = problem
        self.status = status
        self.retry_after = retry_after
        self.wide = kind in ("authority", "unreachable") if wide is None else wide
        self.challenge = ""
        """The kind of challenge that failed, where it was one."""

    def __str__(self) -> str:
        return with_detail(self.kind, self.cause, self.detail)


def with_detail(kind: str, cause: str, detail: str) -> str:
    """The cause with what the CA said, or with this machine's own words where nothing came through."""
    if not detail:
        return cause
    return f"{cause} ({detail})" if kind in ("unreachable", "dns") else f"{cause} (the CA: {detail})"


def from_problem(
    document: Mapping[str, Any], host: str = "", *, status: int = 0, retry_after: float | None = None
) -> Failure:
    """The failure that a problem document (RFC 7807) tells of.

    A problem's first subproblem about this host is nearer to the cause than
    the compound around it (RFC 8555 6.7.1).
    """
    near = _nearest(document, host)
    problem = str(near.get("type") or "").rsplit(":", 1)[-1]
    detail = str(near.get("detail") or near.get("title") or document.get("detail") or "")
    wide: bool | None = None
    if problem == "userActionRequired":  # RFC 8555 7.3.3: for the whole account, and where to do it
        wide, detail = True, f"{detail} {document.get('instance') or ''}".strip()
    fallback: tuple[Kind, str] = ("validation", "The CA refused the certificate for {host}.")
    kind, cause = PLAIN.get(problem, fallback)
    if status == 429:
        kind = "rate"
    elif status in (502, 503, 504):
        kind, cause = "authority", "The CA is out of order for the moment."
    elif status >= 500 and not problem:
        kind, cause = "authority", "The CA failed by a fault of its own and does not say which."
    return Failure(
        kind,
        cause.format(host=host or "this host"),
        detail=detail,
        problem=problem,
        status=status,
        retry_after=retry_after,
        wide=wide,
    )


def from_challenge(document: Mapping[str, Any], host: str, challenge: str) -> Failure:
    """The failure that the error of a challenge of this type tells of (RFC 8555 7.1.5)."""
    failure = from_problem(document, host)
    if failure.problem in _WRONG:  # whose proof was looked at is not rejected by a rule
        failure.kind, cause = PLAIN["unauthorized"]
        failure.cause = cause.format(host=host)
    if other := OTHER_WAYS.get((challenge, failure.problem)):
        failure.cause = other.format(host=host, name=host.removeprefix("*."))
    return failure


def _nearest(document: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    subproblems = document.get("subproblems")
    if not isinstance(subproblems, list):
        return document
    for sub in subproblems:
        if isinstance(sub, dict):
            identifier = sub.get("identifier")
            if not isinstance(identifier, dict) or identifier.get("value") == host:
                return sub
    return document
