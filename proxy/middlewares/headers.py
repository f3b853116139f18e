"""headers: set, change and remove fields of requests and responses; CORS; security fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields

from proxy import cors
from proxy.exchange import Fields, RequestHead, Response, ResponseHead, with_field, without
from proxy.field_name import FRAMING, is_token
from proxy.matchers import as_bytes
from proxy.pages import page
from proxy.schema import option, options, quote

_UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
NO_EFFECT = "No effect, accepted for older files: "


@options
class Headers:
    """Set, change and remove header fields; answer CORS preflights; add security fields."""

    custom_request_headers: dict[str, str] = option(
        doc="Fields that the app gets; an empty value removes one.", example="X-Script-Name=test", default={}
    )
    custom_response_headers: dict[str, str] = option(
        doc="Fields that the visitor gets; an empty value removes one.",
        example="X-Robots-Tag=none",
        default={},
    )
    access_control_allow_credentials: bool = option(
        doc="CORS: let pages of the allowed origins send cookies.", example="true", default=False
    )
    access_control_allow_headers: tuple[str, ...] = option(
        doc="CORS: fields that a page may send.", example="Content-Type, Authorization", default=()
    )
    access_control_allow_methods: tuple[str, ...] = option(
        doc="CORS: methods that a page may use.", example="GET, OPTIONS, PUT", default=()
    )
    access_control_allow_origin_list: tuple[str, ...] = option(
        doc="CORS: origins whose pages may ask; * allows all.", example="https://foo.example.com", default=()
    )
    access_control_allow_origin_list_regex: tuple[str, ...] = option(
        doc="CORS: expressions for such origins.", example=r"^https://[a-z]+\.example\.com$", default=()
    )
    access_control_expose_headers: tuple[str, ...] = option(
        doc="CORS: fields that a page may read.", example="X-Total-Count", default=()
    )
    access_control_max_age: int | None = option(
        doc="CORS: seconds that a preflight's answer may be kept.", example="600", default=None
    )
    add_vary_header: bool = option(
        doc="CORS: say in Vary that the answer depends on the origin.", example="true", default=False
    )
    allowed_hosts: tuple[str, ...] = option(
        doc="Host names that may be asked for; others get 500.", example="example.com", default=()
    )
    hosts_proxy_headers: tuple[str, ...] = option(
        doc="Fields that may hold the host name instead.", example="X-Forwarded-Host", default=()
    )
    ssl_proxy_headers: dict[str, str] = option(
        doc="A field with this value means that the visitor came by HTTPS.",
        example="X-Forwarded-Proto=https",
        default={},
    )
    sts_seconds: int | None = option(
        doc="Seconds that browsers keep to HTTPS (HSTS); only said over HTTPS.",
        example="31536000",
        default=None,
    )
    sts_include_subdomains: bool = option(doc="HSTS for all names below, too.", example="true", default=False)
    sts_preload: bool = option(doc="HSTS: allow browsers to ship with it.", example="true", default=False)
    force_sts_header: bool = option(doc="HSTS over plain HTTP, too.", example="true", default=False)
    frame_deny: bool = option(doc="X-Frame-Options: DENY.", example="true", default=False)
    custom_frame_options_value: str = option(
        doc="X-Frame-Options with this value.", example="SAMEORIGIN", default=""
    )
    content_type_nosniff: bool = option(doc="X-Content-Type-Options: nosniff.", example="true", default=False)
    browser_xss_filter: bool = option(doc="X-XSS-Protection: 1; mode=block.", example="true", default=False)
    custom_browser_xss_value: str = option(doc="X-XSS-Protection with this value.", example="0", default="")
    content_security_policy: str = option(
        doc="Content-Security-Policy.", example="default-src 'self'", default=""
    )
    content_security_policy_report_only: str = option(
        doc="Content-Security-Policy-Report-Only.", example="default-src 'self'", default=""
    )
    public_key: str = option(doc="Public-Key-Pins, over HTTPS.", example='pin-sha256="..."', default="")
    referrer_policy: str = option(doc="Referrer-Policy.", example="same-origin", default="")
    permissions_policy: str = option(doc="Permissions-Policy.", example="camera=()", default="")
    is_development: bool = option(
        doc="Leave out HSTS and the check of allowedHosts.", example="true", default=False
    )
    feature_policy: str = option(
        doc=NO_EFFECT + "see permissionsPolicy.", example="camera 'none'", default=""
    )
    ssl_redirect: bool = option(doc=NO_EFFECT + "redirects are automatic.", example="true", default=False)
    ssl_temporary_redirect: bool = option(doc=NO_EFFECT + "see sslRedirect.", example="true", default=False)
    ssl_host: str = option(doc=NO_EFFECT + "see sslRedirect.", example="example.com", default="")
    ssl_force_host: bool = option(doc=NO_EFFECT + "see sslRedirect.", example="true", default=False)

    steady = True

    def __post_init__(self) -> None:
        if not any(_is_said(getattr(self, each.name)) for each in fields(self)):
            raise ValueError("It changes nothing. Example: customResponseHeaders.X-Robots-Tag=none")
        check_lines(self.custom_request_headers)
        check_lines(self.custom_response_headers)
        check_lines(dict(security_fields(self, https=True)))
        cors.check(self)

    @property
    def alike(self) -> bool:
        """CORS looks at who asks, HSTS and pins at how."""
        return not (cors.is_asked(self) or self.sts_seconds or self.public_key)

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        if self.allowed_hosts and not self.is_development and not self._may_be_asked_for(request):
            return page(500, request, "This name is not served here.")
        if cors.is_asked(self) and cors.is_preflight(request):
            return Response(200, tuple(cors.preflight_fields(self, request)), "OK")
        if not self.custom_request_headers:
            return request
        return request.with_fields(_changed(request.fields, self.custom_request_headers))

    def on_response(self, response: ResponseHead, request: RequestHead) -> ResponseHead:
        changed = _changed(response.fields, self.custom_response_headers)
        for name, value in cors.response_fields(self, request):
            changed = with_field(changed, name, value)
        for name, value in security_fields(self, https=self._is_https(request)):
            changed = with_field(changed, name, value)
        if self.add_vary_header:
            changed = cors.vary_by_origin(changed)
        return response.with_fields(changed)

    def _may_be_asked_for(self, request: RequestHead) -> bool:
        named = next(
            filter(None, map(request.get, self.hosts_proxy_headers)), request.get("Host") or request.host
        )
        asked = {named.lower(), named.rpartition(":")[0].lower() or named.lower()}
        return any(host.lower() in asked for host in self.allowed_hosts)

    def _is_https(self, request: RequestHead) -> bool:
        told = any(request.get(name) == value for name, value in self.ssl_proxy_headers.items())
        return told or request.scheme == "https"


def _is_said(value: object) -> bool:
    """0 is a value: `stsSeconds=0` says something."""
    return value is not None and value is not False and value not in ((), {}, "")


def check_lines(lines: Mapping[str, str]) -> None:
    """Refuse what would break a head into two, or the body out of its frame."""
    for name, value in lines.items():
        if not is_token(name):
            raise ValueError(f"{quote(name)} is not the name of a header field.")
        if _UNFIT.search(value):
            raise ValueError(f"The value of {name} holds a line break or another control character.")
        if value and name.lower() in FRAMING:
            raise ValueError(f"{name} belongs to the connection and is set by the proxy.")


def _changed(lines: Fields, changes: Mapping[str, str]) -> Fields:
    for name, value in changes.items():
        lines = with_field(lines, name, as_bytes(value)) if value else without(lines, name)
    return lines


def security_fields(options: Headers, *, https: bool) -> Iterator[tuple[str, str]]:
    """The fields that tell browsers to be careful."""
    if options.sts_seconds and (https or options.force_sts_header) and not options.is_development:
        below = "; includeSubDomains" if options.sts_include_subdomains else ""
        preload = "; preload" if options.sts_preload else ""
        yield "Strict-Transport-Security", f"max-age={options.sts_seconds}{below}{preload}"
    if https and not options.is_development and options.public_key:
        yield "Public-Key-Pins", options.public_key
    nosniff = "nosniff" if options.content_type_nosniff else ""
    xss = "1; mode=block" if options.browser_xss_filter else ""
    values = (
        ("X-Frame-Options", options.custom_frame_options_value or ("DENY" if options.frame_deny else "")),
        ("X-Content-Type-Options", nosniff),
        ("X-XSS-Protection", options.custom_browser_xss_value or xss),
        ("Content-Security-Policy", options.content_security_policy),
        ("Content-Security-Policy-Report-Only", options.content_security_policy_report_only),
        ("Referrer-Policy", options.referrer_policy),
        ("Permissions-Policy", options.permissions_policy),
    )
    yield from ((name, as_bytes(value)) for name, value in values if value)
