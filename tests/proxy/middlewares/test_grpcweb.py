from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from proxy.exchange import Fields, Request, Response, get
from proxy.middlewares.grpcweb import GRPCWeb
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared
from tests.proxy.middlewares.world import Backend, Pieces, content, wrapped

FRAME = b"\0\0\0\0\5hello"
TRAILERS = b"\x80\0\0\0\x10grpc-status: 0\r\n"
SOME = "https://a.test, https://b.test"
CORS = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")


def app(
    *pieces: bytes, trailers: Fields = (("grpc-status", "0"),), kind: str = "application/grpc"
) -> Backend:
    body = Pieces(*pieces)
    body.trailers = trailers
    return Backend(Response(200, (("content-type", kind), ("x-app", "1")), body=body))


async def asked(
    backend: Backend,
    *fields: tuple[str, str],
    kind: str = "application/grpc-web+proto",
    method: str = "POST",
    body: bytes = FRAME,
    origins: str = SOME,
) -> Response:
    handler = wrapped(declared(GRPCWeb, {"allowOrigins": origins}), backend)
    lines = (("Content-Type", kind), ("Content-Length", str(len(body))), *fields)
    return await handler(
        Request(head("/s.T/M", "a.test", *lines, method=method), Pieces(body, length=len(body)))
    )


async def sent(backend: Backend) -> bytes:
    return b"".join([piece async for piece in backend.request.body])


@pytest.mark.parametrize(
    ("kind", "grpc", "web"),
    [
        ("application/grpc-web", "application/grpc", "application/grpc-web"),
        ("application/grpc-web+proto", "application/grpc+proto", "application/grpc-web"),
        ("application/grpc-web-text", "application/grpc", "application/grpc-web-text"),
        ("application/grpc-web-text+proto", "application/grpc+proto", "application/grpc-web-text"),
        ("application/grpc-web-text-base64", "application/grpc", "application/grpc-web-text"),
        ("Application/gRPC-Web+json", "application/grpc+json", "application/grpc-web"),
    ],
)
async def test_the_app_is_asked_as_grpc_has_it(kind: str, grpc: str, web: str) -> None:
    backend, text = app(FRAME), "-text" in kind.lower()
    response = await asked(backend, kind=kind, body=b64encode(FRAME) if text else FRAME)
    assert backend.request.head.get("Content-Type") == grpc
    assert backend.request.head.get("TE") == "trailers"
    assert await sent(backend) == FRAME
    assert backend.request.body.length == (None if text else len(FRAME))
    assert response.get("Content-Type") == web
    found = await content(response)
    if text:
        assert b64decode(found[:16]) == FRAME  # each piece by itself, with its padding
        found = FRAME + b64decode(found[16:])
    assert found == FRAME + TRAILERS


async def test_the_answers_kind_is_kept() -> None:
    response = await asked(app(FRAME, kind="application/grpc+proto"))
    assert response.get("Content-Type") == "application/grpc-web+proto"


async def test_pieces_go_out_as_they_come_and_trailers_once() -> None:
    response = await asked(app(b"one", b"two"))
    assert not isinstance(response.body, bytes)
    assert [piece async for piece in response.body] == [b"one", b"two", TRAILERS]
    assert response.body.trailers == ()
    assert response.body.length is None


async def test_all_trailers_are_in_the_frame_in_lower_case() -> None:
    trailers = (("Grpc-Status", "5"), ("grpc-message", "not%20here"), ("x-more", "a: b"))
    found = await content(await asked(app(trailers=trailers)))
    lines = b"grpc-status: 5\r\ngrpc-message: not%20here\r\nx-more: a: b\r\n"
    assert found == b"\x80" + len(lines).to_bytes(4) + lines


async def test_a_refusal_in_the_head_stays_there() -> None:
    refused = Response(200, (("content-type", "application/grpc"), ("grpc-status", "12")), body=b"")
    response = await asked(Backend(refused))
    assert (response.body, response.get("grpc-status")) == (b"", "12")
    assert response.get("Content-Type") == "application/grpc-web"


async def test_a_page_is_no_grpc_and_stays_as_it_is() -> None:
    page = Response(502, (("Content-Type", "text/html"),), body=b"<p>no")
    response = await asked(Backend(page), ("Origin", "https://a.test"), kind="application/grpc-web-text")
    assert (response.status, response.body, response.get("Content-Type")) == (502, b"<p>no", "text/html")
    assert response.get("Access-Control-Allow-Origin") == "https://a.test"


@pytest.mark.parametrize("body", [b"a", b"====", b"%%%%", b64encode(FRAME)[:-1]])
async def test_what_is_no_base64_is_refused(body: bytes) -> None:
    class Reads(Backend):
        async def __call__(self, request: Request) -> Response:
            async for _ in request.body:
                continue
            raise AssertionError("it was taken for whole")

    response = await asked(Reads(), kind="application/grpc-web-text", body=body)
    assert response.status == 400


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("application/grpc", "POST"),
        ("application/json", "POST"),
        ("", "POST"),
        ("application/grpc-web", "PUT"),
    ],
)
async def test_whatever_else_passes_as_it_is(kind: str, method: str) -> None:
    backend = app(FRAME)
    response = await asked(backend, ("Origin", "https://a.test"), kind=kind, method=method)
    assert response is backend.response
    assert backend.request.head.get("Content-Type") == kind
    assert backend.request.head.get("TE") == ""


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (SOME, "https://a.test", True),
        (SOME, "https://b.test", True),
        (SOME, "https://c.test", False),
        (SOME, "", False),
        ("*", "https://c.test", True),
        ("*", "", False),
        ("", "https://a.test", False),
    ],
)
async def test_which_pages_may_read_the_answer(origins: str, origin: str, allowed: bool) -> None:
    backend = app(FRAME)
    fields = (("Origin", origin),) if origin else ()
    response = await asked(backend, *fields, origins=origins)
    assert [get(response.fields, name) for name in CORS] == ([origin, "true"] if allowed else ["", ""])
    assert response.get("Vary") == "Origin"
    assert response.get("Access-Control-Expose-Headers") == "x-app, content-type, grpc-status, grpc-message"
    assert backend.requests  # that a page may not read it keeps nobody from asking


async def test_what_the_app_says_of_origins_itself_is_not_said_twice() -> None:
    backend = app(FRAME)
    backend.response = backend.response.with_fields(
        (*backend.response.fields, ("Access-Control-Allow-Origin", "*"), ("Vary", "Accept, Origin"))
    )
    response = await asked(backend, ("Origin", "https://a.test"))
    assert response.get("Access-Control-Allow-Origin") == "https://a.test"
    assert response.get("Vary") == "Accept, Origin"


PREFLIGHT = (
    ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "content-type,x-grpc-web,x-user-agent"),
)


@pytest.mark.parametrize(
    ("origin", "method", "allowed"),
    [("https://a.test", "POST", True), ("https://c.test", "POST", False), ("https://a.test", "PUT", False)],
)
async def test_a_preflight_is_answered_here(origin: str, method: str, allowed: bool) -> None:
    backend = app()
    fields = (("Access-Control-Request-Method", method), PREFLIGHT[1], ("Origin", origin))
    response = await asked(backend, *fields, method="OPTIONS", kind="")
    assert response.status == 204 and not backend.requests
    assert response.get("Vary").startswith("Origin, ")
    told = {name for name, _ in response.fields if name.startswith("Access-Control")}
    assert bool(told) is allowed
    if allowed:
        assert response.get("Access-Control-Allow-Origin") == origin
        assert response.get("Access-Control-Allow-Headers") == PREFLIGHT[1][1]
        assert response.get("Access-Control-Allow-Methods") == "POST"
        assert response.get("Access-Control-Allow-Credentials") == "true"
        assert response.get("Access-Control-Max-Age") == "600"


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (*PREFLIGHT,),
        (("Origin", "https://a.test"), PREFLIGHT[0], ("Access-Control-Request-Headers", "content-type")),
        (("Origin", "https://a.test"), PREFLIGHT[1]),
    ],
)
async def test_other_preflights_are_the_apps(fields: Fields) -> None:
    backend = app()
    assert await asked(backend, *fields, method="OPTIONS", kind="") is backend.response
