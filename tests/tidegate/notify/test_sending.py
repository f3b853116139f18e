import ssl
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default as policy

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.program import free_port
from tests.tidegate.notify.servers import taking
from tidegate.notify import mail
from tidegate.notify.message import LONGEST, Message, NotSent
from tidegate.notify.sending import send
from tidegate.notify.targets import read_target

MESSAGE = Message("Tidegate: über", "A text.\nIn two lines.")


@pytest.mark.parametrize(
    ("scheme", "path", "came_at"),
    [("http", "/hook?x=1", "/hook?x=1"), ("ntfy", "/alerts", "/"), ("gotify", "/sub/TOKEN", "/sub/message")],
)
def test_a_message_arrives_whole(scheme, path, came_at):
    with taking() as inbox:
        send(read_target(f"{scheme}://127.0.0.1:{inbox.port}{path}"), MESSAGE)
    [(place, document, _)] = inbox.came
    assert place == came_at
    assert (document["title"], document["message"]) == (MESSAGE.title, MESSAGE.text)


@pytest.mark.parametrize(
    ("status", "says"), [(401, "password or token"), (404, "address"), (302, "302"), (500, "500")]
)
def test_what_is_not_taken_is_said_and_no_redirect_followed(status, says):
    with taking() as inbox:
        inbox.status = status
        with pytest.raises(NotSent, match=says):
            send(read_target(f"http://127.0.0.1:{inbox.port}/x"), MESSAGE)
    assert len(inbox.came) == 1


def test_nobody_there_is_said():
    with pytest.raises(NotSent, match="connection refused"):
        send(read_target(f"http://127.0.0.1:{free_port()}/TOKEN"), MESSAGE)


def test_a_long_text_is_cut():
    with taking() as inbox:
        send(read_target(f"http://127.0.0.1:{inbox.port}/"), Message("T", "x" * 5000))
    assert len(inbox.messages[0]["message"]) == LONGEST


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # apprise's own imports
def test_apprise_carries_what_we_have_no_code_for():
    with taking() as inbox:
        send(read_target(f"json://127.0.0.1:{inbox.port}/x"), MESSAGE)
    assert inbox.messages[0]["title"] == MESSAGE.title
    with taking() as inbox, pytest.raises(NotSent):
        inbox.status = 500
        send(read_target(f"json://127.0.0.1:{inbox.port}/x"), MESSAGE)


# -- mail


class Letters:
    def __init__(self):
        self.came = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.came.append(
            (envelope.mail_from, envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy))
        )
        return "250 OK"


def let_in(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"me@example.com", b"s3cret"))


@contextmanager
def mail_server(**more):
    letters = Letters()
    controller = Controller(letters, hostname="127.0.0.1", port=free_port(), **more)
    controller.start()
    try:
        yield controller.port, letters.came
    finally:
        controller.stop()


@pytest.fixture
def tls(monkeypatch):
    """A server's context, which clients of this process trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(mail.ssl, "create_default_context", lambda: trusting)
    return context


def test_a_letter_arrives():
    with mail_server() as (port, came):
        send(read_target(f"smtp://127.0.0.1:{port}/?from=t@a.example&to=me@b.example,you@b.example"), MESSAGE)
    [(sender, recipients, letter)] = came
    assert (sender, recipients) == ("t@a.example", ["me@b.example", "you@b.example"])
    assert letter["Subject"] == MESSAGE.title
    assert letter.get_content().splitlines() == MESSAGE.text.splitlines()


def test_a_password_is_sent_under_tls_where_that_is_offered(tls):
    with mail_server(tls_context=tls, authenticator=let_in, auth_required=True) as (port, came):
        send(read_target(f"smtp://me%40example.com:s3cret@127.0.0.1:{port}/?to=me@example.com"), MESSAGE)
        assert came[0][0] == "me@example.com"
        with pytest.raises(NotSent, match="password"):
            send(read_target(f"smtp://me%40example.com:wrong@127.0.0.1:{port}/?to=me@example.com"), MESSAGE)
    assert len(came) == 1


def test_a_server_that_nobody_vouches_for_is_told_nothing(tls, monkeypatch):
    monkeypatch.undo()
    with mail_server(tls_context=tls) as (port, came), pytest.raises(NotSent):
        send(read_target(f"smtp://127.0.0.1:{port}/?to=me@example.com"), MESSAGE)
    assert came == []


def test_a_password_does_not_travel_in_the_open(monkeypatch):
    monkeypatch.setattr(mail, "is_here", lambda host: False)
    server = mail_server(authenticator=let_in, auth_require_tls=False)
    with server as (port, came), pytest.raises(NotSent, match="offers no TLS"):
        send(read_target(f"smtp://me%40example.com:s3cret@127.0.0.1:{port}/?to=me@example.com"), MESSAGE)
    assert came == []
