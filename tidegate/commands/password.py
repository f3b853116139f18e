"""Password: `tidegate password`, the line of a user for `tidegate.auth` and for lists of users."""

from __future__ import annotations

import sys

from tidegate.commands.line import Call, Command, Parser, UsageError, refuse_strangers

COST = 10
"""Doublings of bcrypt's work: a twentieth of a second here, half of one on a small board."""
MOST = 72
"""Bytes of a password that bcrypt looks at."""


def password(call: Call) -> int:
    refuse_strangers(call)
    user = call.own.user
    if not user:
        if not sys.stdin.isatty():
            raise UsageError("say for whom: tidegate password USER")
        user = input("User: ")
    if not user.isprintable() or not user.strip() or set(user) & set(":, "):
        raise UsageError("a user's name has no colon, comma or space in it.")
    line = f"{user}:{hashed(asked(user))}"
    print(line)
    print(f"tidegate.auth: '{line.replace('$', '$$')}'  # in a compose file, where every $ stands twice")
    return 0


def asked(user: str) -> str:
    """The password: typed twice at a terminal, else one line of standard input."""
    if sys.stdin.isatty():
        import getpass

        typed = getpass.getpass(f"Password of {user}: ")
        if getpass.getpass("Once more: ") != typed:
            raise UsageError("the two are not the same.")
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    if not typed:
        raise UsageError("a password is not empty.")
    if len(typed.encode()) > MOST:
        raise UsageError(f"a password has at most {MOST} bytes: bcrypt does not look at more.")
    return typed


def hashed(text: str) -> str:
    import bcrypt  # which checks them, too

    return bcrypt.hashpw(text.encode(), bcrypt.gensalt(COST)).decode()


def add_user(parser: Parser) -> None:
    what = "whose password; it is asked for, twice and without being shown, or read from standard input"
    parser.add_argument("user", metavar="USER", nargs="?", default="", help=what)


COMMANDS = {
    "password": Command(
        "print a user's line for tidegate.auth and basicAuth.users, with the hash of a password",
        password,
        add_user,
        settings=None,
    ),
}
