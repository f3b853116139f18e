"""HTTP/2 line: one connection to a server, with many requests at a time on it (RFC 9113).

The octets are h2's.  Loaded when a server of HTTP/2 is first asked: h2 takes
15 ms and 1 MB (measured).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from math import inf
from time import monotonic
from typing import Final

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import NeverIndexedHeaderTuple

from proxy.crowding import Slot
from proxy.exchange import Fields, Request, Response, UpstreamError
from proxy.farewell import Farewell, Sieve
from proxy.fields import MessageError
from proxy.http2_head import SECRET, Line, trailer_lines
from proxy.http2_stream import HTTP2Stream, Refused
from proxy.model import Server
from proxy.rereading import Rereadable
from proxy.socket_transport import KEEP_ALIVE_PROBES, READ_SIZE, SocketTransport
from proxy.transport import Receiver
from proxy.upstream_connection import CLOSING, Address
from proxy.upstream_exchange import Timeouts

MOST_STREAMS: Final = 100
"""Requests at a time; for more there is another connection."""
WINDOW: Final = 16 * 1024 * 1024
"""Octets of all answers on the way or unread.  More than all streams may hold, so none waits for another."""
WRITE_HIGH: Final = 64 * 1024
FLOOD: Final = 1024 * 1024
"""Unsent octets: a server that asks for answers (PING, SETTINGS) and does not take them."""
TALK: Final = 64 * 1024
"""Octets of frames that bring nobody on, at once.  One takes us 30 us, and they come as fast as they can."""
TALK_A_SECOND: Final = 1024
BRINGS_ON: Final = 16
"""Octets of frames that are taken for each of content: one that holds a single octet is 10 long."""
A_HEAD: Final = 64
LAST_NUMBER: Final = 2**31 - 1
LARGEST_LIST: Final = 64 * 1024
LARGEST_TABLE: Final = 4096
"""Octets of fields that we remember for a server; it may offer 4 GiB, and each field is looked up in all."""


class HTTP2Line(Receiver):
    def __init__(
        self, server: Server, address: Address, timeouts: Timeouts, gone: Callable[[HTTP2Line], None]
    ) -> None:
        """`gone` is called once, when the connection has ended."""
        self.server = server
        self.address = address
        self.timeouts = timeouts
        self.used = False
        """It has been asked something before."""
        self.leaving = False
        """Nothing more is asked on it."""
        self._gone: Callable[[HTTP2Line], None] | None = gone
        self._h2 = _client()
        self._sieve = Sieve()
        self._streams: dict[int, HTTP2Stream] = {}
        self._paused = False
        self._talk = 0.0
        """Octets of late that brought nobody on."""
        self._talked_at = self._rests_since = monotonic()
        self._transport: SocketTransport | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def begin(self, sock: socket.socket) -> None:
        """Over this socket; done when the server has said that it speaks HTTP/2.  Raises UpstreamError."""
        self._transport = SocketTransport(sock, self)
        self._transport.set_write_buffer_limits(WRITE_HIGH)
        self._transport.largest_read = READ_SIZE  # for as much, small frames would hold up everybody
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a stream may be silent for hours
        for name, value in KEEP_ALIVE_PROBES:
            if hasattr(socket, name) and sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW - self._h2.inbound_flow_control_window)
        self._flush()
        self._transport.resume_reading()
        await self._ready

    async def ask(
        self, request: Request, lines: list[Line], fields: Fields, body: Rereadable, slot: Slot | None
    ) -> Response:
        """To be called when there is room."""
        return await HTTP2Stream(self, request, body, fields, slot).run(lines)

    @property
    def has_room(self) -> bool:
        most = min(MOST_STREAMS, self._h2.remote_settings.max_concurrent_streams)
        return not self.leaving and len(self._streams) < most

    @property
    def settled(self) -> bool:
        """The server speaks HTTP/2, and has not ended it."""
        return self._alive and self._ready.done()

    @property
    def busy(self) -> int:
        return len(self._streams)

    # From the streams

    def open(self, stream: HTTP2Stream, lines: list[Line], *, ended: bool) -> int:
        number = self._h2.get_next_available_stream_id()
        self.used = True
        self.leaving = self.leaving or number + 2 > LAST_NUMBER
        block = [NeverIndexedHeaderTuple(*line) if line[0] in SECRET else line for line in lines]
        try:
            self._h2.send_headers(number, block, ended)
        except Exception as bug:
            self._end(bug)  # half a block is in the encoder's memory: no other would be understood
            raise
        self._brought(A_HEAD)
        vars(self._h2.streams[number])["_initialize_content_length"] = _leave_length
        self._streams[number] = stream
        self._flush()
        return number

    def room(self, number: int) -> int:
        """Octets that may be sent at once."""
        if self._paused or number not in self._streams:
            return 0
        return max(0, min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size))

    def send(self, number: int, data: bytes, *, ended: bool) -> None:
        self._h2.send_data(number, data, ended)
        self._brought(len(data))
        self._flush()

    def end(self, number: int, trailers: Fields) -> None:
        """Nothing more comes of the request."""
        if trailers:
            self._h2.send_headers(number, trailer_lines(trailers), end_stream=True)
        else:
            self._h2.end_stream(number)
        self._flush()

    def give_back(self, number: int, size: int) -> None:
        """So much has been read: the server may send more."""
        if self._alive:
            self._h2.acknowledge_received_data(size, number)
            self._flush()

    def close_stream(self, number: int, code: int | None) -> None:
        """It is over: the server is told so by this code, where it does not know."""
        if self._streams.pop(number, None) is None:
            return
        if self._alive:
            if code is not None and number in self._h2.streams and not self._h2.streams[number].closed:
                self._h2.reset_stream(number, code)
                self._flush()
            if self.leaving:
                self.retire()
        self._rests_since = monotonic()

    # From the transport

    def data_received(self, data: bytes) -> None:
        now = monotonic()
        self._talk = max(0.0, self._talk - TALK_A_SECOND * (now - self._talked_at)) + len(data)
        self._talked_at = now
        try:
            for each in self._sieve.sift(data):
                if isinstance(each, Farewell):
                    self._take_leave(each)
                elif self._alive:
                    for event in self._h2.receive_data(each):
                        self._hear(event)
            self._flush()
            if self._talk > TALK:
                self._end(UpstreamError("the server talks and talks and says nothing"))
        except ProtocolError as bad:
            self._flush()
            self._end(UpstreamError(f"the server does not speak HTTP/2 as it should: {bad}"))
        except Exception as bug:
            self._end(bug)

    def _brought(self, size: int) -> None:
        """So much was said to somebody, who has to say something about it."""
        self._talk = max(0.0, self._talk - BRINGS_ON * size)

    def _hear(self, event: events.Event) -> None:
        number = getattr(event, "stream_id", None)
        stream = self._streams.get(number) if number else None
        if isinstance(event, events.RemoteSettingsChanged):
            if not self._ready.done():
                self._ready.set_result(None)
            _bound(self._h2, event)
            self._look_again()
        elif isinstance(event, events.WindowUpdated):
            self._look_again()
        elif stream is not None:
            if isinstance(event, events.DataReceived):
                self._brought(len(event.data or b""))
            try:
                _tell(stream, event)
            except (MessageError, UpstreamError) as error:
                stream.fail(error)
        elif isinstance(event, events.DataReceived) and number:
            self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)

    def _look_again(self) -> None:
        for stream in self._streams.values():
            stream.look_again()

    def _take_leave(self, farewell: Farewell) -> None:
        self.leaving = True  # before the others look for another one
        for number, stream in list(self._streams.items()):
            if number > farewell.last:
                stream.fail(Refused("the server takes no more requests on this connection"))
        self.retire()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._look_again()

    def eof_received(self) -> bool:
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(None)

    # Ending

    @property
    def _alive(self) -> bool:
        return self._gone is not None and self._transport is not None and not self._transport.is_closing()

    @property
    def deadline(self) -> float:
        """When `expire` is to be called."""
        if not self._streams:
            return self._rests_since + self.timeouts.keep_alive
        return min((stream.deadline for stream in self._streams.values()), default=inf)

    def expire(self, now: float) -> None:
        """What waits for too long is over, and the connection if nobody has used it for as long."""
        if not self._streams:
            self.close()
        for stream in list(self._streams.values()):
            if stream.deadline <= now:
                stream.expire()

    def close(self) -> None:
        """End it politely; nothing is under way."""
        if self._alive:
            self._h2.close_connection()
            self._flush()
        self._end(None)

    def retire(self) -> None:
        """Nothing more is asked, and it ends with what is under way."""
        self.leaving = True
        if not self._streams:
            self.close()

    def kill(self, reason: str) -> None:
        """The server is gone, whatever answers at its address now."""
        self._end(UpstreamError(reason))

    def _end(self, error: Exception | None) -> None:
        gone, self._gone, self.leaving = self._gone, None, True
        if gone is None:
            return
        for stream in list(self._streams.values()):
            if error is None:
                stream.lost()
            else:
                stream.fail(error)
        self._streams.clear()
        if not self._ready.done():
            self._ready.set_exception(error or UpstreamError("the server closed the connection at once"))
            self._ready.exception()  # whoever opened it may be gone
        if self._transport:
            if error:
                self._transport.abort()
            else:
                self._transport.close()
                asyncio.get_running_loop().call_later(CLOSING, self._transport.abort)
        gone(self)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        transport = self._transport
        if data and transport and not transport.is_closing():
            transport.write(data)
            if transport.get_write_buffer_size() > FLOOD:
                self._end(UpstreamError("the server does not take what it asks for"))


class _Connection(H2Connection):
    MAX_CLOSED_STREAMS = 1024  # remembered requests that are over; 65,536 would be some MB a connection


def _client() -> H2Connection:
    # Heads are checked by ours (`http2_head`): with h2 a malformed one would end the whole connection.
    connection = _Connection(H2Configuration(header_encoding=None, validate_inbound_headers=False))
    connection.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
            SettingCodes.MAX_HEADER_LIST_SIZE: LARGEST_LIST,
        },
    )
    return connection


def _bound(connection: H2Connection, event: events.RemoteSettingsChanged) -> None:
    """What a server has set, as far as it may cost us memory."""
    for code in event.changed_settings:
        if not isinstance(code, SettingCodes):
            del connection.remote_settings[code]  # of no meaning (RFC 9113 6.5.2), and there are 65536
    encoder = connection.encoder
    if encoder.header_table_size > LARGEST_TABLE:
        encoder.header_table_size = LARGEST_TABLE
    if sizes := encoder.table_size_changes:
        # Told with the next head: the smallest that there was, and the one that is (RFC 7541 4.2).
        encoder.table_size_changes = [*dict.fromkeys((min(sizes), encoder.header_table_size))]
        encoder.header_table.resized = True  # which it forgets when the same size is set twice


def _leave_length(_: Iterable[Line]) -> None:
    """The stream counts its content itself: with h2 a wrong length would end the whole connection, for which
    it is enough that an app answers HEAD as it does GET."""


def _tell(stream: HTTP2Stream, event: events.Event) -> None:
    if isinstance(event, events.DataReceived):
        stream.heard_content(event.data or b"", event.flow_controlled_length or 0)
    elif isinstance(event, events.ResponseReceived):
        stream.heard_head(event.headers or (), ended=event.stream_ended is not None)
    elif isinstance(event, events.InformationalResponseReceived):
        stream.heard_interim(event.headers or ())
    elif isinstance(event, events.TrailersReceived):
        stream.heard_trailers(event.headers or ())
    elif isinstance(event, events.StreamReset):
        stream.heard_reset(int(event.error_code or 0))
    elif isinstance(event, events.StreamEnded):
        stream.heard_end()
