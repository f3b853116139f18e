"""Certs: `tidegate certs`: what the certificates are, and what a person may have done about them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

from proxy.schema import closest
from tidegate.commands import cert_files, trust
from tidegate.commands.line import ASKING, Call, Command, Parser, UsageError, data_of, one_of, refused
from tidegate.commands.running import ask_instance
from tidegate.control import NotAnswering, tell
from tidegate.printable import printable

PATIENCE = 180.0
"""Seconds to wait for a new certificate before leaving it to go on alone."""
CA_PATIENCE = 60.0
"""Seconds for an authority to revoke."""
LOOK_EVERY = 0.5


def certs(call: Call) -> int:
    action, *words = words_of(call)
    if action not in ACTIONS:
        raise UsageError(f'certs has no "{action}". {instead(action)}')
    wanted, do = ACTIONS[action]
    if len(words) != len(wanted.split()):
        raise UsageError(f"certs {action} takes {wanted or 'nothing more'}.")
    return do(call, *words)


def instead(action: str) -> str:
    if "." in action:  # no action has one, every name that a public authority certifies does
        return f"Write: tidegate certs show {action}"
    meant = closest(action, ACTIONS)
    return f'Did you mean "{meant}"?' if meant else f"Known: {', '.join(ACTIONS)}."


def words_of(call: Call) -> list[str]:
    """The action and what it is about: behind a flag argparse takes such words for strangers."""
    if flags := [word for word in call.strange if word.startswith("-")]:
        raise UsageError(f'there is no "{flags[0]}" here. See tidegate certs --help.')
    return [*call.own.words, *call.strange] or ["list"]


def show_list(call: Call) -> int:
    answer = ask_certificates(call)
    if call.own.json:
        print(json.dumps(answer, indent=2))
        return 0
    from tidegate.certs.text import list_text

    print(list_text(answer, width()), end="")
    return 0


def show(call: Call, name: str) -> int:
    row = row_of(ask_certificates(call), name)
    if row is None:
        return refused(f"No router names {name}, so it has no certificate. See tidegate certs.")
    if call.own.json:
        print(json.dumps(row, indent=2))
        return 0
    from tidegate.certs.text import one_text

    print(one_text(row, width()), end="")
    return 0


def renew(call: Call, name: str) -> int:
    before = row_of(ask_certificates(call), name)
    answer = order(call, "renew", name)
    if "refused" in answer:
        return refused(answer["refused"])
    print(printable(answer["done"]))
    if answer["waits"]:
        print(printable(answer["waits"]))
        return 0
    return 0 if call.own.no_wait else wait_for(call, answer["host"], before)


def revoke(call: Call, name: str) -> int:
    if not call.own.yes:
        row = row_of(ask_certificates(call), name)
        if row is None:
            return refused(f"No router names {name}, so it has no certificate. See tidegate certs.")
        what = f"the certificate {row['serial']} for {', '.join(row['names'])}, issued by {row['issuer']}"
        if not confirmed(f"Revoke {what}? Nobody can undo that. [y/N] "):
            return refused("Nothing was revoked. Without a question: --yes")
    answer = order(call, "revoke", name, reason=call.own.reason)
    if "refused" in answer:
        return refused(answer["refused"])
    print(printable(answer["done"]))
    return 0


def change_keys(call: Call) -> int:
    """Of the accounts at the authorities, not of certificates: those get a new one each time."""
    answer = order(call, "change-keys", "")
    if "refused" in answer:
        return refused(answer["refused"])
    print(printable(answer["done"]))
    return 0


def confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(printable(question)).strip().lower() in ("y", "yes")


def wait_for(call: Call, host: str, before: Mapping[str, Any] | None) -> int:
    """Until the new certificate is served or its authority has refused; it goes on without us, too."""
    print("Waiting until it is served; Ctrl-C leaves it going.", flush=True)
    deadline = monotonic() + PATIENCE
    old = before or {"serial": "", "failures": 0, "last_error": ""}
    while monotonic() < deadline:
        row = row_of(ask_certificates(call), host)
        if row is None:
            return refused(f"No router names {host} any more.")
        if row["serial"] != old["serial"] and row["state"] == "active":
            from tidegate.certs.text import left_text, minute

            until, left = minute(row["not_after"]), left_text(row["days_left"])
            print(f"{host} has a new certificate until {until} ({left}).")
            return 0
        if row["failures"] > old["failures"] or (
            row["last_error"] and row["last_error"] != old["last_error"]
        ):
            return refused("\n".join(filter(None, (row["last_error"], row["remedy"]))))
        sleep(LOOK_EVERY)
    return refused(f"Nothing has come yet; it goes on. See: tidegate certs show {host}")


def order(call: Call, what: str, name: str, **more: str) -> Mapping[str, Any]:
    query = urlencode({"host": name, **more})
    answer = tell(f"certs/{what}?{query}", data_of(call), CA_PATIENCE)
    if not isinstance(answer, dict) or not answer.keys() & {"done", "refused"}:
        raise NotAnswering("Something else than Tidegate answers there.")
    return answer


def ask_certificates(call: Call) -> Mapping[str, Any]:
    answer = ask_instance(call, "certs")
    if not isinstance(answer, dict) or "certificates" not in answer:
        raise NotAnswering("Something else than Tidegate answers there.")
    return answer


def row_of(answer: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    host = name.strip().lower().rstrip(".")
    if not host.isascii():
        from acme_client.names import read_name

        host = read_name(host).host
    return next((row for row in answer["certificates"] if row["host"] == host), None)


def width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def show_trust(call: Call) -> int:
    return trust.trust(call)


ACTIONS: Mapping[str, tuple[str, Callable[..., int]]] = {
    "list": ("", show_list),
    "show": ("NAME", show),
    "renew": ("NAME", renew),
    "revoke": ("NAME", revoke),
    "change-keys": ("", change_keys),
    "import": ("PATH", cert_files.bring_in),
    "export": ("NAME DIR", cert_files.hand_out),
    "trust": ("", show_trust),
}
"""What can be done: the words that each takes, and how it is done."""


def add_arguments(parser: Parser) -> None:
    actions = "; ".join(f"{name} {words}".strip() for name, (words, _) in ACTIONS.items())
    parser.add_argument("words", metavar="ACTION", nargs="*", help=f"{actions}. Default: list.")
    parser.add_argument("--json", action="store_true", help="list and show: everything, for programs")
    parser.add_argument("--no-wait", action="store_true", help="renew: do not wait for the new certificate")
    parser.add_argument("--yes", action="store_true", help="revoke: do not ask back")
    reasons = ("unspecified", "keyCompromise", "superseded", "cessationOfOperation")
    parser.add_argument(
        "--reason", type=one_of(reasons), choices=reasons, default="unspecified", help="revoke: why"
    )
    trust.add_arguments(parser)


COMMANDS = {
    "certs": Command(
        "show certificates; renew, revoke, import and export them",
        certs,
        add_arguments,
        (*ASKING, "acme_ca"),
    ),
}
