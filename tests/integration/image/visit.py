"""Inside the visitor's container: one GET by name at an address, and what came back as JSON.

visit.py HOST ADDRESS PORT TRUST     TRUST: a PEM file, or `none` for plain HTTP
"""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import sys


def main(host: str, address: str, port: str, trust: str) -> None:
    stream: socket.socket = socket.create_connection((address, int(port)), 5)
    certificate = b""
    if trust != "none":
        secured = ssl.create_default_context(cafile=trust).wrap_socket(stream, server_hostname=host)
        certificate = secured.getpeercert(binary_form=True) or b""
        stream = secured
    stream.sendall(f"GET /hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = http.client.HTTPResponse(stream)
    answer.begin()
    print(
        json.dumps(
            {
                "status": answer.status,
                "location": answer.getheader("Location", ""),
                "body": answer.read().decode(errors="replace"),
                "certificate": hashlib.sha256(certificate).hexdigest(),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
