"""Delivery: a response's way to the client: how its end is told, who may stay, and the bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from proxy.exchange import Body, Response, ResponseHead, Stream, Truncated, UpstreamError, without
from proxy.framing import NO_BODY, Framing, write_chunk, write_last_chunk
from proxy.head import ScannedRequest
from proxy.headers import from_server
from proxy.turn import Turn
from proxy.upgrade import join
from proxy.writing import frame_response, write_response

if TYPE_CHECKING:
    from proxy.dialogue import Dialogue


async def deliver(dialogue: Dialogue, turn: Turn, response: Response) -> bool:
    """Send the response; whether the connection stays for another request."""
    if response.upgraded:
        return await _switch(dialogue, turn, response, response.upgraded)
    body = response.body
    unfit: Response | None = None
    try:
        opening = open_answer(dialogue, turn, response, len(body) if isinstance(body, bytes) else body.length)
    except ValueError as bug:
        unfit = turn.failed(bug)
    if unfit:
        await _let_go(body)
        return await deliver(dialogue, turn, unfit)
    await _send(dialogue, turn, opening.head, body, opening.framing)
    dialogue.finish(turn, opening.keep)
    return opening.keep


@dataclass
class Opening:
    """How an answer begins, how its end is told, and whether the connection stays."""

    head: bytes
    framing: Framing
    keep: bool


def open_answer(dialogue: Dialogue, turn: Turn, response: Response, length: int | None) -> Opening:
    """Begin the final answer; its content has this length, if that is known.

    ValueError where a middleware made a head that two readers could understand
    differently: nobody gets it, and nothing has begun.
    """
    asked = turn.scanned
    framing = frame_response(asked.method, response.status, length, asked.http10)
    keep = dialogue.may_keep(turn) and framing.kind != "close"
    head = write_response(response, framing, keep_alive=keep, http10=asked.http10)
    turn.started, turn.ends_by_closing = True, framing.kind == "close"
    turn.tally.status = response.status
    return Opening(head, framing, keep)


async def _send(dialogue: Dialogue, turn: Turn, head: bytes, body: bytes | Body, framing: Framing) -> None:
    """All of the answer, or a connection that ends so that nobody takes this for all of it."""
    try:
        if framing is NO_BODY:
            await _let_go(body)
            dialogue.wire.send(head)
        elif isinstance(body, bytes):
            turn.tally.bytes_out = len(body)
            dialogue.wire.send(head + body)  # one packet where it fits
        else:
            dialogue.wire.send(head)  # at once: the first event may be hours away
            await _stream(dialogue, turn, body, framing)
    except UpstreamError as error:
        turn.tally.fault = str(error)
        dialogue.cut(turn)
        raise ConnectionResetError("the server cut its answer short") from error
    except OSError:
        raise
    except Exception as bug:
        turn.failed(bug)
        dialogue.cut(turn)
        raise ConnectionResetError("the answer could not be completed") from bug


async def _stream(dialogue: Dialogue, turn: Turn, body: Body, framing: Framing) -> None:
    """Each piece goes out as it comes, and the next is asked for when the client has room."""
    wire, tally, chunked = dialogue.wire, turn.tally, framing.kind == "chunked"
    pieces = aiter(body)
    try:
        async for piece in pieces:
            tally.bytes_out += len(piece)
            if framing.length is not None and tally.bytes_out > framing.length:
                # What is too much would be the beginning of the client's next answer.
                raise Truncated("the answer was longer than announced")
            wire.send(write_chunk(piece) if chunked else piece)
            await wire.drain()
    finally:
        await _let_go(pieces)  # at once: the server's connection hangs on it
    if chunked:
        wire.send(write_last_chunk(body.trailers))
    elif framing.length is not None and tally.bytes_out < framing.length:
        raise Truncated("the answer was shorter than announced")


async def _let_go(content: object) -> None:
    """Nobody reads the rest.  A server's content has `close`, a middleware's generator `aclose`."""
    if isinstance(content, AsyncGenerator):
        await content.aclose()
    elif close := getattr(content, "close", None):
        close()


async def _switch(dialogue: Dialogue, turn: Turn, response: Response, server: Stream) -> bool:
    """Hand both ends over to each other (RFC 9110 7.8)."""
    protocol = turn.scanned.upgrade
    unfit: Response | None = None
    try:
        head = write_response(response, NO_BODY, upgrade=protocol)
    except ValueError as bug:
        unfit = turn.failed(bug)
    if unfit:
        # While this is still a turn: an upgraded connection has no limits, nobody would end it.
        server.close()
        return await deliver(dialogue, turn, unfit)
    turn.started, turn.tally.status = True, 101
    stream = dialogue.upgrade(turn)
    try:
        dialogue.wire.send(head)
        await join(stream, server, websocket=protocol.lower() == "websocket", stopping=dialogue.stopping)
    finally:
        server.close()
        dialogue.finish(turn, keep=False)
    return False


def own_answer(response: Response, asked: ScannedRequest | None, *, keep: bool) -> bytes:
    """A response with its content in memory, as it goes over the wire."""
    body = response.body if isinstance(response.body, bytes) else b""
    method, http10 = (asked.method, asked.http10) if asked else ("GET", False)
    framing = frame_response(method, response.status, len(body), http10)
    dated = replace(response, fields=(*response.fields, ("Date", formatdate(usegmt=True))))  # RFC 9110 6.6.1
    head = dated if framing is not NO_BODY else _with_length(dated, len(body))
    data = write_response(head, framing, keep_alive=keep, http10=http10)
    return data if framing is NO_BODY else data + body


def interim(head: ResponseHead) -> bytes:
    return write_response(ResponseHead(head.status, from_server(head.fields), head.reason), NO_BODY)


def _with_length(response: Response, length: int) -> ResponseHead:
    """HEAD is told the length of what GET would bring (RFC 9110 9.3.2)."""
    if response.status in (204, 304):
        return response
    fields = (*without(response.fields, "Content-Length"), ("Content-Length", str(length)))
    return ResponseHead(response.status, fields, response.reason)
