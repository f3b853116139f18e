"""Backend: what stands behind every peer, on the load's core: nginx, and an echo for WebSocket."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.bench.process import LOAD_CORE, running
from tests.program import LOOPBACK, ROOT, eventually, free_port

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
GB = 10**9
FILES = {"64k": 64 * KIB, "10m": 10 * MIB, "1g": GIB}

CONFIG = """
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log error;
events {{ worker_connections 10000; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    sendfile on; tcp_nopush on;
    server {{
        listen {address} backlog=4096;
        location / {{ default_type text/plain; return 200 "{text}"; }}
        location = /text {{ default_type text/plain; alias {files}/text; }}
        location /files/ {{ default_type application/octet-stream; alias {files}/; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Backend:
    port: int
    chat: int


@contextmanager
def backend(folder: Path) -> Iterator[Backend]:
    own = folder / "backend"
    files = own / "files"
    files.mkdir(parents=True)
    folder.chmod(0o755)  # nginx's worker gives up root and still reads its files
    for name, size in FILES.items():
        write_file(files / name, size)
    (files / "text").write_text(prose(64 * KIB))
    port, chat = free_port(), free_port()
    text = CONFIG.format(address=f"{LOOPBACK}:{port}", text="x" * KIB, files=files)
    (own / "nginx.conf").write_text(text)
    web = ["nginx", "-p", str(own), "-c", str(own / "nginx.conf"), "-e", "error.log", "-g", "daemon off;"]
    echo = [sys.executable, "-m", "tests.bench.websocket", "echo", str(chat)]
    with ExitStack() as stack:
        stack.enter_context(running(web, LOAD_CORE, own / "output.log"))
        stack.enter_context(running(echo, LOAD_CORE, own / "echo.log", cwd=ROOT))
        eventually(lambda: (own / "nginx.pid").exists())
        yield Backend(port, chat)


def prose(size: int) -> str:
    """Text of that many characters that compresses as pages do: to a quarter or so."""
    chance = Random(7)
    words = ["".join(chance.choices("aeinorstlhdcu", k=chance.randint(2, 9))) for _ in range(400)]
    return " ".join(chance.choices(words, k=size))[:size]


def write_file(path: Path, size: int) -> None:
    """Written out, not a hole: a hole costs the backend page clearing that a real file does not."""
    block = bytes(range(256)) * (MIB // 256)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(block)
        file.write(block[: size % MIB])
