import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trustme

from acme_client.authority import Authority
from acme_client.failure import Failure
from acme_client.wire import Wire, was_cut
from tests.acme_client.fake_ca import Clock

PROBLEM = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates"}
NOON = "Mon, 01 Mar 2027 12:00:00 GMT"
HOUR_LATER = "Mon, 01 Mar 2027 13:00:00 GMT"


@contextmanager
def endpoint(status=200, fields=(), body=b"{}", *, cut=False, tls=None):
    """Answers everything alike; with `cut` it breaks the connection instead."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if cut:
                self.connection.close()
                return
            self.send_response_only(status)
            for name, value in fields:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            return

    class Server(HTTPServer):
        def handle_error(self, *_):
            return

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/directory"
        finally:
            server.shutdown()
            thread.join()


def ask(url, bundle=None):
    wire = Wire(Authority(url, bundle=bundle), Clock())
    try:
        return wire.check(wire.send("GET", url), "blog.example.com")
    finally:
        wire.close()


def test_a_good_answer_comes_through():
    with endpoint(body=b'{"newOrder": 1}') as url:
        assert ask(url).json() == {"newOrder": 1}


@pytest.mark.parametrize(
    ("status", "fields", "body", "kind", "seconds"),
    [
        (503, [("Retry-After", "120")], b"<html>", "authority", 120.0),
        (503, [], b"<html>", "authority", None),
        (502, [], b"", "authority", None),
        (500, [], b"[1]", "authority", None),
        (429, [("Retry-After", "3600")], json.dumps(PROBLEM).encode(), "rate", 3600.0),
        (429, [("Date", NOON), ("Retry-After", HOUR_LATER)], json.dumps(PROBLEM).encode(), "rate", 3600.0),
        (429, [("Retry-After", "60")], b"slow down", "rate", 60.0),
        (503, [("Retry-After", "60")], json.dumps(PROBLEM).encode(), "authority", 60.0),
        (409, [], json.dumps({"type": "x:alreadyReplaced"}).encode(), "validation", None),
    ],
)
def test_an_error_keeps_its_status_and_its_retry_after(status, fields, body, kind, seconds):
    with endpoint(status, fields, body) as url, pytest.raises(Failure) as caught:
        ask(url)
    assert (caught.value.kind, caught.value.status, caught.value.retry_after) == (kind, status, seconds)


def test_a_date_is_counted_from_the_answers_own_clock():
    """This machine's may be wrong by years."""
    fields = [("Date", "Wed, 01 Mar 2028 12:00:00 GMT"), ("Retry-After", "Wed, 01 Mar 2028 12:10:00 GMT")]
    with endpoint(503, fields) as url, pytest.raises(Failure) as caught:
        ask(url)
    assert caught.value.retry_after == 600.0


def test_a_connection_that_breaks_is_told_from_one_that_was_never_made():
    with endpoint(cut=True) as url, pytest.raises(Failure) as caught:
        ask(url)
    assert was_cut(caught.value)
    assert caught.value.kind == "unreachable"
    with pytest.raises(Failure, match="cannot be reached") as caught:
        ask("http://127.0.0.1:1/directory")
    assert "0x" not in caught.value.detail  # no object addresses in what people read


def test_an_endpoint_that_is_not_trusted_is_told_with_the_setting_that_helps(tmp_path):
    ca = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(serving)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with endpoint(tls=serving) as url:
        with pytest.raises(Failure, match="acme-ca-bundle"):
            ask(url)
        assert ask(url, tmp_path / "ca.pem").ok


def test_a_bundle_that_is_not_there_is_a_mistake_in_the_settings(tmp_path):
    with pytest.raises(Failure) as caught:
        ask("https://127.0.0.1:1/directory", tmp_path / "none.pem")
    assert caught.value.kind == "configuration"
    assert "acme-ca-bundle" in caught.value.cause
