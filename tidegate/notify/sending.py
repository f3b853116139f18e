"""Sending: a message to a target, by whatever carries it there.  Blocks."""

from __future__ import annotations

from tidegate.notify.message import Message
from tidegate.notify.targets import Target


def send(target: Target, message: Message) -> None:
    """NotSent where it is not taken."""
    message = message.cut()
    if target.kind == "mail":
        from tidegate.notify import mail

        mail.send(target, message)
    elif target.kind == "apprise":
        from tidegate.notify import others

        others.send(target, message)
    else:
        from tidegate.notify.webhooks import outgoing, post

        post(outgoing(target, message))
