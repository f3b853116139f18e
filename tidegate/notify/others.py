"""Others: whatever apprise can tell (`pip install 'tidegate[apprise]'`).  Blocks: for a thread."""

from __future__ import annotations

import logging

from tidegate.notify.message import Message, NotSent
from tidegate.notify.targets import Target


def send(target: Target, message: Message) -> None:
    """NotSent where it is not taken."""
    try:
        import apprise
    except ImportError:
        raise NotSent("apprise is not installed: pip install 'tidegate[apprise]'") from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses with what is secret in them
    told = apprise.Apprise()
    if not told.add(target.url):
        raise NotSent("apprise does not understand this address")
    kind = apprise.NotifyType.WARNING if message.tone == "bad" else apprise.NotifyType.SUCCESS
    if not told.notify(title=message.title, body=message.text, notify_type=kind):
        raise NotSent("apprise could not deliver it")
