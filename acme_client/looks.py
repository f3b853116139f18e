"""Looks: what the CA will look at, looked at from here.  All of it blocks: for threads, a few seconds."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from secrets import randbelow

from acme_client.caa import CAARecord, Unanswered, answered, names_to_ask, query
from acme_client.challenges.http01 import PREFIX
from acme_client.challenges.proof import Proof
from acme_client.challenges.tlsalpn01 import server_name
from acme_client.findings import Seen

PATIENCE = 3.0
"""Seconds for one address to answer."""
DNS_PATIENCE = 2.0
DNS_PORT = 53
MOST = 4096
"""Octets of an answer that are looked at: our own has some hundred."""


def addresses(host: str) -> tuple[str, ...] | None:
    """Where the name leads by this machine's resolver; None where that does not know at the moment."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return () if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA) else None
    except (OSError, UnicodeError):
        return None
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))


def look(kind: str, address: str, port: int, proof: Proof) -> Seen:
    """Who answers there, as a CA would ask."""
    try:
        with closing(socket.create_connection((address, port), timeout=PATIENCE)) as sock:
            return _look_by_http(sock, proof) if kind == "http-01" else _look_by_tls(sock, proof)
    except TimeoutError:
        return Seen(address, port, "silent")
    except OSError as error:
        return Seen(address, port, "silent" if error.errno else "other", str(error.strerror or ""))


def _look_by_http(sock: socket.socket, proof: Proof) -> Seen:
    address, port = sock.getpeername()[:2]
    host = f"[{proof.host}]" if ":" in proof.host else proof.host
    request = f"GET {PREFIX}{proof.token} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tidegate\r\n"
    sock.sendall(f"{request}Connection: close\r\n\r\n".encode("ascii"))
    answer = b""
    while len(answer) < MOST and (more := sock.recv(MOST)):
        answer += more
    if answer.rstrip().endswith(proof.key_authorization.encode("ascii")):
        return Seen(address, port, "ours")
    said = answer.split(b"\r\n", 1)[0][:60].decode("latin-1")
    return Seen(address, port, "other", said if said.isprintable() else "")


def _look_by_tls(sock: socket.socket, proof: Proof) -> Seen:
    address, port = sock.getpeername()[:2]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # as the CA: what counts is inside
    context.set_alpn_protocols(["acme-tls/1"])
    try:
        with context.wrap_socket(sock, server_hostname=server_name(proof.host)) as tls:
            shown = tls.getpeercert(binary_form=True) or b""
    except ssl.SSLError as error:
        return Seen(address, port, "other", str(error.reason or "").replace("_", " ").lower())
    ours = sha256(proof.key_authorization.encode("ascii")).digest() in shown
    return Seen(address, port, "ours" if ours else "other")


def caa(
    host: str, servers: tuple[tuple[str, int], ...] | None = None
) -> tuple[str, tuple[CAARecord, ...]] | None:
    """The records that count for the host and the name that has them; None where the DNS does not say."""
    for server in (resolvers() if servers is None else servers)[:2]:
        try:
            for name in names_to_ask(host):
                if records := _ask(server, name):
                    return name, records
        except (OSError, Unanswered):
            continue
        return "", ()
    return None


def _ask(server: tuple[str, int], name: str) -> tuple[CAARecord, ...]:
    number = randbelow(1 << 16)
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(DNS_PATIENCE)
        sock.connect(server)
        sock.send(query(name, number))
        return answered(sock.recv(MOST), number)


def resolvers(path: Path = Path("/etc/resolv.conf")) -> tuple[tuple[str, int], ...]:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    words = (line.split() for line in lines)
    return tuple((each[1], DNS_PORT) for each in words if len(each) > 1 and each[0] == "nameserver")
