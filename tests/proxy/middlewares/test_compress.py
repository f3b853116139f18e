from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard

from proxy.exchange import Request, Response
from proxy.middlewares.compress import INLINE, Compress
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Backend, Pieces, World, content, wrapped

TEXT = b"A sentence that is repeated again and again. " * 100
DECODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: zlib.decompress(data, 31),
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "": bytes,
}


async def asked(
    response: Response, accept: str | None = "gzip, br, zstd", method: str = "GET", **tree: Any
) -> Response:
    handler = wrapped(declared(Compress, tree).begin(World()), Backend(response))
    fields = (("Accept-Encoding", accept),) if accept is not None else ()
    return await handler(Request(head("/", "a.test", *fields, method=method)))


@pytest.mark.parametrize(
    ("accept", "tree", "coding"),
    [
        ("gzip, br, zstd", {}, "gzip"),
        ("gzip;q=0.5, br;q=0.6", {}, "br"),
        ("gzip, br, zstd", {"encodings": "zstd, br"}, "zstd"),
        ("br", {"encodings": "gzip"}, ""),
        ("*", {}, "gzip"),
        ("*", {"defaultEncoding": "br"}, "br"),
        ("identity, gzip;q=0.5", {}, ""),
        ("gzip;q=0", {}, ""),
        ("", {}, ""),
        (None, {}, ""),
        (None, {"defaultEncoding": "zstd"}, "zstd"),
    ],
)
async def test_the_client_gets_what_it_takes(accept: str | None, tree: dict[str, str], coding: str) -> None:
    for body in (TEXT, Pieces(TEXT, TEXT)):
        whole = await content(Response(200, body=body))
        answer = await asked(Response(200, (("Content-Length", "4500"),), body=body), accept, **tree)
        assert answer.get("Content-Encoding") == coding
        assert DECODE[coding](await content(answer)) == whole
        assert ("" if coding else "4500") == answer.get("Content-Length")


@pytest.mark.parametrize(
    ("fields", "tree", "status"),
    [
        ((("Content-Encoding", "br"),), {}, 200),
        ((("Cache-Control", "private, no-transform"),), {}, 200),
        ((("Content-Range", "bytes 0-1/9"),), {}, 206),
        ((("Content-Type", "image/png"),), {"excludedContentTypes": "image/png"}, 200),
        ((("Content-Type", "image/png"),), {"includedContentTypes": "text/html"}, 200),
        ((), {"minResponseBodyBytes": "4501"}, 200),
        ((), {}, 304),
    ],
)
async def test_what_is_left_alone(fields: Any, tree: dict[str, str], status: int) -> None:
    answer = await asked(Response(status, fields, body=TEXT), **tree)
    assert answer.get("Content-Encoding") == dict(fields).get("Content-Encoding", "")
    assert answer.body == TEXT


async def test_the_head_of_a_compressed_answer() -> None:
    fields = (("ETag", '"1"'), ("Accept-Ranges", "bytes"), ("Vary", "Origin"))
    answer = await asked(Response(200, fields, body=TEXT))
    assert answer.get("ETag") == 'W/"1"'
    assert answer.get("Accept-Ranges") == ""
    assert answer.get("Vary") == "Origin, Accept-Encoding"


async def test_caches_are_told_even_where_it_was_too_small() -> None:
    assert (await asked(Response(200, body=b"small"))).get("Vary") == "Accept-Encoding"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_each_piece_can_be_shown_when_it_comes(coding: str) -> None:
    answer = await asked(Response(200, body=Pieces(b"data: 1\n\n", b"data: 2\n\n")), coding)
    assert not isinstance(answer.body, bytes)
    undo: Any = {
        "gzip": lambda: zlib.decompressobj(31).decompress,
        "br": lambda: brotli.Decompressor().process,
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
    }[coding]()
    shown = [undo(piece) async for piece in answer.body]
    assert shown[:2] == [b"data: 1\n\n", b"data: 2\n\n"]


async def test_large_pieces_are_compressed_beside_the_loop() -> None:
    world = World()
    app = Backend(Response(200, body=Pieces(b"x" * INLINE, b"x" * (INLINE + 1))))
    handler = wrapped(declared(Compress, {}).begin(world), app)
    await content(await handler(Request(head("/", "a.test", ("Accept-Encoding", "gzip")))))
    assert world.works == 1


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        (
            {"excludedContentTypes": "a/b", "includedContentTypes": "a/b"},
            "Choose one of excludedContentTypes and includedContentTypes.",
        ),
        ({"encodings": "gzip", "defaultEncoding": "br"}, "defaultEncoding is one of encodings."),
        ({"encodings": "deflate"}, "Expected one of gzip, br, zstd, not 'deflate'. Example: br, gzip"),
    ],
)
def test_a_mistake_is_said(tree: dict[str, str], what: str) -> None:
    assert mistakes(Compress, tree) == [what]
