import pytest

from proxy.values import Unfit
from tidegate.notify.message import Message
from tidegate.notify.targets import read_target
from tidegate.notify.webhooks import outgoing
from tidegate.setting_kinds import NotifyURLs

MESSAGE = Message("Title", "Text")
SECRETS = ("s3cret", "TOKEN")


@pytest.mark.parametrize(
    ("text", "kind", "url", "shown"),
    [
        (
            "https://hook.example/x?a=TOKEN",
            "webhook",
            "https://hook.example/x?a=TOKEN",
            "https://hook.example",
        ),
        ("https://me:s3cret@hook.example/x", "webhook", "https://hook.example/x", "https://hook.example"),
        ("http://127.0.0.1:81/x", "webhook", "http://127.0.0.1:81/x", "http://127.0.0.1:81"),
        ("http://[::1]:81/x", "webhook", "http://[::1]:81/x", "http://[::1]:81"),
        ("gotify://me@[fd00::2]/TOKEN", "gotify", "http://[fd00::2]/message", "gotify://[fd00::2]"),
        ("ntfys://ntfy.example/TOKEN", "ntfy", "https://ntfy.example/", "ntfys://ntfy.example"),
        ("ntfy://me:s3cret@10.0.0.2:80/x", "ntfy", "http://10.0.0.2:80/", "ntfy://10.0.0.2:80"),
        ("ntfy://token", "ntfy", "https://ntfy.sh/", "ntfy://..."),
        ("gotifys://g.example/TOKEN", "gotify", "https://g.example/message", "gotifys://g.example"),
        ("gotify://g.example/sub/TOKEN", "gotify", "http://g.example/sub/message", "gotify://g.example"),
        ("discord://12/TOKEN", "discord", "https://discord.com/api/webhooks/12/TOKEN", "discord://12"),
        (
            "https://discord.com/api/webhooks/12/TOKEN",
            "discord",
            "https://discord.com/api/webhooks/12/TOKEN",
            "discord://12",
        ),
        ("smtps://a%40b.c:s3cret@m.example/?to=x@y.z", "mail", "", "smtps://m.example"),
        ("tgram://TOKEN/s3cret", "apprise", "tgram://TOKEN/s3cret", "tgram://..."),
    ],
)
def test_a_target_is_read_and_shows_no_secret(text, kind, url, shown):
    target = read_target(text)
    assert (target.kind, target.url, target.shown) == (kind, url, shown)
    assert not any(secret in repr(target) for secret in SECRETS)
    if kind not in ("mail", "apprise"):
        assert not any(secret in repr(outgoing(target, MESSAGE)) for secret in SECRETS)


@pytest.mark.parametrize(
    "text",
    [
        *("", "ntfy.example", "ntfys://", "ntfys://h/a/b", "gotify://h", "discord://12"),
        *("smtp://h", "smtp://h/?to=x", "https://h:x/", "smtp://h/?to=a@b%0aBcc:x@y"),
    ],
)
def test_what_is_no_target_is_refused(text):
    with pytest.raises(Unfit):
        read_target(text)


def test_how_each_wants_to_be_told():
    ntfy = outgoing(read_target("ntfys://tk_abc@n.example/alerts"), MESSAGE)
    assert ntfy.headers == {"Authorization": "Bearer tk_abc"}
    assert (ntfy.document["topic"], ntfy.document["title"], ntfy.document["priority"]) == (
        "alerts",
        "Title",
        4,
    )
    gotify = outgoing(read_target("gotifys://g.example/abc"), MESSAGE)
    assert (gotify.headers, gotify.document["message"]) == ({"X-Gotify-Key": "abc"}, "Text")
    discord = outgoing(read_target("discord://1/x"), Message("T", "@everyone " + "x" * 5000))
    assert len(discord.document["content"]) == 2000
    assert discord.document["allowed_mentions"] == {"parse": []}
    hook = outgoing(read_target("https://me:pw@h.example/"), Message("T", "x", "good"))
    assert hook.document == {"title": "T", "message": "x", "tone": "good"}
    assert hook.headers == {"Authorization": "Basic bWU6cHc="}


def test_several_stand_between_commas_or_in_lines():
    text = "ntfys://a.example/x,https://h.example/?a=1,2\ndiscord://1/x"
    assert NotifyURLs.parse(text).each == ("ntfys://a.example/x", "https://h.example/?a=1,2", "discord://1/x")
