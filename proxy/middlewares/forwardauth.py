"""forwardauth: ask another server whether a request may pass."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin

from proxy.address_url import AddressURL
from proxy.exchange import (
    Body,
    BodyMiddleware,
    Empty,
    Fields,
    Handler,
    Request,
    RequestHead,
    Response,
    UpstreamError,
    get,
    with_field,
    without,
)
from proxy.field_name import FRAMING, check_name, meaning
from proxy.frozen import frozen
from proxy.headers import from_server
from proxy.held_body import hold
from proxy.origin import ClientTLS, Origin
from proxy.piping import close
from proxy.regex import compiled
from proxy.schema import option, options
from proxy.spool import TooLarge, spooled
from proxy.surroundings import Surroundings

PATIENCE = 30.0
IN_MEMORY = 1024 * 1024
UNWANTED = 64 * 1024
"""Bytes of an answer's content that are read only so that the connection can be used again."""
SPOKEN = ("X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
          "X-Forwarded-Uri", "X-Forwarded-For")  # fmt: skip
STAYS = ("Host", "Content-Length", "Expect", *FRAMING)
"""Fields of the request that mean nothing to somebody else than the app."""


class AuthUnreachable(UpstreamError):
    """Nobody said that the request may pass, so it does not."""

    status = 500


@options
class ForwardAuth:
    """Let pass what this server answers with 2xx; any other answer goes to the visitor."""

    address: AddressURL = option(doc="Whom to ask.", example="http://authelia:9091/api/authz/forward-auth")
    trust_forward_header: bool = option(
        doc="Pass on what a trusted proxy in front says of method, address and host.",
        example="true",
        default=False,
    )
    auth_response_headers: tuple[str, ...] = option(
        doc="Fields of the answer that the app gets, never the client's own ones of that name.",
        example="Remote-User, Remote-Groups, Remote-Email, Remote-Name",
        default=(),
    )
    auth_response_headers_regex: str = option(
        doc="An expression for such names.", example="^X-Auth-", default=""
    )
    auth_request_headers: tuple[str, ...] = option(
        doc="The only fields of the request that the server gets; all where this says nothing.",
        example="Accept, Cookie",
        default=(),
    )
    add_auth_cookies_to_response: tuple[str, ...] = option(
        doc="Cookies of the answer that the visitor gets.", example="session", default=()
    )
    forward_body: bool = option(doc="The server gets the content, too.", example="true", default=False)
    max_body_size: int = option(
        doc="With forwardBody: larger requests are answered with 401; -1 is any.", example="65536", default=-1
    )
    max_response_body_size: int = option(
        doc="Larger answers of the server count as 401; -1 is any.", example="65536", default=-1
    )
    header_field: str = option(
        doc="Read, but not used yet: the field with the visitor's name.", example="Remote-User", default=""
    )
    preserve_location_header: bool = option(
        doc="Pass a relative Location on as it is.", example="true", default=False
    )
    preserve_request_method: bool = option(
        doc="Ask with the request's method instead of GET.", example="true", default=False
    )
    auth_signin_url: str = option(
        doc="Where visitors are sent instead of a 401.", example="https://auth.example.com/login", default=""
    )
    tls: ClientTLS = option(doc="How an https server is asked.", example="true", default=ClientTLS())

    def __post_init__(self) -> None:
        for name in self.auth_response_headers:
            check_name(name)
        compiled(self.auth_response_headers_regex)
        if not (self.auth_signin_url.isprintable() and self.auth_signin_url.isascii()):
            raise ValueError("authSigninURL is a URL such as https://auth.example.com/login")

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return Asking(self, around)

    def names(self, name: str) -> bool:
        """Whether the server alone says what the app gets under this name, however it is spelled."""
        meant = meaning(name)
        if meant in FRAMING:
            return False
        if any(meaning(each) == meant for each in self.auth_response_headers):
            return True
        if not self.auth_response_headers_regex:
            return False
        search = compiled(self.auth_response_headers_regex).search
        # ^X-Auth- means x-auth-user as well: Go, for which it was written, spells all names alike.
        return any(search(each.encode("latin-1")) for each in (name, meant, _as_go_spells(meant)))


def _as_go_spells(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


@frozen
class Asking:
    options: ForwardAuth
    around: Surroundings

    def wrap(self, next_handler: Handler) -> Handler:
        async def ask(request: Request) -> Response:
            body: Body = Empty()
            if self.options.forward_body:
                try:
                    body = await spooled(
                        request.body, self.around, IN_MEMORY, max(self.options.max_body_size, 0)
                    )
                except TooLarge:
                    return Response(401)
                request = replace(request, body=body)
            answer = await self._answer(request.head, body)
            if not 200 <= answer.status < 300:
                return self._refusal(answer)
            await _drop(answer)
            response = await next_handler(replace(request, head=self._let_in(request.head, answer)))
            return self._with_cookies(response, answer)

        return ask

    async def _answer(self, head: RequestHead, body: Body) -> Response:
        options = self.options
        at = options.address
        method = head.method if options.preserve_request_method else "GET"
        asking = replace(head, method=method, target=at.target, fields=self._fields(head))
        origin = Origin(at.scheme, at.host, at.port, options.tls, PATIENCE, at.shunned)
        try:
            answer = await self.around.fetch(origin, Request(asking, body))
            if options.max_response_body_size >= 0 and not isinstance(answer.body, bytes):
                kept, too_much = await hold(answer.body, options.max_response_body_size)
                if too_much is not None:
                    await close(too_much)
                    return Response(401)
                return replace(answer, body=kept)
        except UpstreamError as error:
            raise AuthUnreachable(f"forwardAuth: {error}") from error
        if 0 <= options.max_response_body_size < len(answer.body if isinstance(answer.body, bytes) else b""):
            return Response(401)
        return answer

    def _fields(self, head: RequestHead) -> Fields:
        allowed = {name.lower() for name in self.options.auth_request_headers}
        passed = without(head.fields, *STAYS, *SPOKEN)
        if allowed:
            passed = tuple(line for line in passed if line[0].lower() in allowed)
        said = {
            "X-Forwarded-Method": head.method,
            "X-Forwarded-Proto": head.scheme,
            "X-Forwarded-Host": head.get("Host") or head.host,
            "X-Forwarded-Port": str(head.port),
            "X-Forwarded-Uri": head.target,
            "X-Forwarded-For": str(head.client_ip),
        }
        if self.options.trust_forward_header:
            said = {name: head.get(name) or value for name, value in said.items()}
        return (("Host", self.options.address.authority), *passed, *said.items())

    def _let_in(self, head: RequestHead, answer: Response) -> RequestHead:
        own = tuple(line for line in head.fields if not self.options.names(line[0]))
        return replace(head, fields=(*own, *(line for line in answer.fields if self.options.names(line[0]))))

    def _refusal(self, answer: Response) -> Response:
        options = self.options
        if answer.status == 401 and options.auth_signin_url:
            return Response(302, (("Location", options.auth_signin_url),))
        fields = from_server(answer.fields)
        if (location := get(fields, "Location")) and not options.preserve_location_header:
            fields = with_field(fields, "Location", urljoin(str(options.address), location))
        return replace(answer, fields=fields)

    def _with_cookies(self, response: Response, answer: Response) -> Response:
        names = self.options.add_auth_cookies_to_response
        if not names:
            return response
        own = tuple(line for line in response.fields if _cookie(line) not in names)
        added = tuple(line for line in answer.fields if _cookie(line) in names)
        return replace(response, fields=(*own, *added))


def _cookie(line: tuple[str, str]) -> str | None:
    """The name of the cookie that the field sets."""
    return line[1].partition("=")[0].strip() if line[0].lower() == "set-cookie" else None


async def _drop(answer: Response) -> None:
    if not isinstance(answer.body, bytes):
        _, rest = await hold(answer.body, UNWANTED)
        if rest is not None:
            await close(rest)
