"""Notify: `tidegate notify test`."""

from __future__ import annotations

import os

from tidegate.commands.line import Call, Command, Parser, UsageError, refuse_strangers, refused
from tidegate.printable import printable
from tidegate.sources import load_leniently

SETTINGS = ("notify",)


def notify(call: Call) -> int:
    refuse_strangers(call)
    if call.own.action != "test":
        raise UsageError("notify can only test: tidegate notify test")
    settings = load_leniently(SETTINGS, call.flags, os.environ, call.config)
    if settings.notify is None:
        return refused("Nobody is to be told: set TIDEGATE_NOTIFY, or --notify-file FILE with the addresses.")
    from tidegate.notify.message import Message, NotSent
    from tidegate.notify.sending import send
    from tidegate.notify.targets import read_target

    message = Message("Tidegate: a test", "This is how Tidegate will tell you what needs you.", "good")
    status = 0
    for target in map(read_target, settings.notify.each):
        try:
            send(target, message)
        except NotSent as error:
            status = refused(f"{target.shown}: not told: {error}.")
        else:
            print(printable(f"{target.shown}: told."))
    return status


def add_arguments(parser: Parser) -> None:
    parser.add_argument("action", metavar="test", help="send a message to each address, now")


COMMANDS = {
    "notify": Command("try the addresses of the setting `notify`", notify, add_arguments, SETTINGS),
}
