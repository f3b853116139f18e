"""The three apps of the demo: a page, a WebSocket echo and a slow stream.  Standard library only.

Runs inside a container whose image holds nothing but a Python: `python app.py page|echo|stream`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import signal
import socket
import sys

WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3

STYLE = """<meta name=viewport content='width=device-width'>
<style>body{font:1.1rem system-ui;margin:4rem auto;max-width:36rem}</style>"""

ECHO_PAGE = """<!doctype html><title>Echo</title>{style}<h1>Echo</h1>
<p>Whatever you type goes to the container over a WebSocket and comes back.</p>
<input id=text placeholder="Type and press Enter" autofocus><pre id=log></pre>
<script>
const socket = new WebSocket(location.href.replace(/^http/, "ws") + "ws");
socket.onmessage = event => log.textContent += event.data + "\\n";
text.onchange = () => {{ socket.send(text.value); text.value = "" }};
</script>"""


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """The request target and its header fields, names in lower case."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines[1:] if line)
    return lines[0].split(" ")[1], {name.lower(): value.strip() for name, _, value in fields}


def response(kind: str, body: str) -> bytes:
    content = body.encode()
    fields = f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n"
    return f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode() + content


async def page(
    target: str, fields: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    host = html.escape(fields.get("host", ""))
    text = f"<!doctype html><title>Page</title>{STYLE}<h1>Hello from {socket.gethostname()}</h1>"
    text += f"<p>You asked for {host} over {html.escape(fields.get('x-forwarded-proto', 'http'))}.</p>"
    writer.write(response("text/html; charset=utf-8", text))


async def echo(
    target: str, fields: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    key = fields.get("sec-websocket-key")
    if key is None:
        writer.write(response("text/html; charset=utf-8", ECHO_PAGE.format(style=STYLE)))
        return
    accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET_GUID).encode(), usedforsecurity=False).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    while await echo_frame(reader, writer):
        await writer.drain()


async def echo_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Send one frame back as it came, unmasked (RFC 6455 5.2); False after a close."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
    mask = await reader.readexactly(4)
    payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(await reader.readexactly(length)))
    if first & 0x0F == 0x9:  # a ping is answered by a pong
        first = first & 0xF0 | 0xA
    size = (
        bytes([length])
        if length < 126
        else b"\x7e" + length.to_bytes(2)
        if length < 65536
        else b"\x7f" + length.to_bytes(8)
    )
    writer.write(bytes([first]) + size + payload)
    return first & 0x0F != 0x8


async def stream(
    target: str, fields: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    if target != "/stream":
        writer.write(
            response("application/json", json.dumps({"container": socket.gethostname(), "try": "/stream"}))
        )
        return
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    for tick in range(5):
        event = f"data: tick {tick}\n\n".encode()
        writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.4)
    writer.write(b"0\r\n\r\n")


APPS = {"page": page, "echo": echo, "stream": stream}


async def serve(name: str, port: int = 8000) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target, fields = await read_head(reader)
            await APPS[name](target, fields, reader, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError) as gone:
            print(f"client left: {gone}", flush=True)
        finally:
            writer.close()

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with await asyncio.start_server(answer, "0.0.0.0", port):
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
