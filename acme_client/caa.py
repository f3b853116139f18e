"""CAA: which CAs the DNS of a name allows to issue (RFC 8659), and how it is asked (RFC 1035)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from acme_client.frozen import frozen

TYPE_CAA, CLASS_IN = 257, 1
RECURSION_DESIRED = 0x0100
TRUNCATED = 0x0200
NO_ERROR, NO_SUCH_NAME = 0, 3


@frozen
class CAARecord:
    tag: str
    value: str


class Unanswered(Exception):
    """An answer that says nothing about the question."""


def query(name: str, number: int) -> bytes:
    """The message that asks for a name's CAA records; `number` marks its answer."""
    head = b"".join(field.to_bytes(2, "big") for field in (number, RECURSION_DESIRED, 1, 0, 0, 0))
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    return head + labels + b"\0" + TYPE_CAA.to_bytes(2, "big") + CLASS_IN.to_bytes(2, "big")


def answered(message: bytes, number: int) -> tuple[CAARecord, ...]:
    """The records in an answer; none where the name has none or is none.  Unanswered for anything else."""
    try:
        return tuple(_records(message, number))
    except (IndexError, UnicodeDecodeError):
        raise Unanswered("not a DNS message") from None


def _records(message: bytes, number: int) -> Iterator[CAARecord]:
    said, flags, questions, answers = (_number(message, at) for at in (0, 2, 4, 6))
    if said != number or flags & TRUNCATED or flags & 0xF not in (NO_ERROR, NO_SUCH_NAME):
        raise Unanswered(f"DNS answer with code {flags & 0xF}")
    at = 12
    for _ in range(questions):
        at = _after_name(message, at) + 4
    for _ in range(answers):
        at = _after_name(message, at)
        kind, size = _number(message, at), _number(message, at + 8)
        content = message[at + 10 : at + 10 + size]
        if len(content) != size:
            raise IndexError
        if kind == TYPE_CAA:
            end = 2 + content[1]
            yield CAARecord(content[2:end].decode("ascii").lower(), content[end:].decode("utf-8"))
        at += 10 + size


def _number(message: bytes, at: int) -> int:
    return message[at] << 8 | message[at + 1]


def _after_name(message: bytes, at: int) -> int:
    while (size := message[at]) != 0:
        if size >= 0xC0:  # a pointer to the rest (RFC 1035 4.1.4)
            return at + 2
        at += 1 + size
    return at + 1


def names_to_ask(host: str) -> Iterator[str]:
    """The name and those above it, nearest first: the first with records counts (RFC 8659 3)."""
    labels = host.removeprefix("*.").split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))


def allowed(records: Sequence[CAARecord], host: str, identities: Collection[str], kind: str) -> bool:
    """Whether one of a CA's names may issue for the host, proven by this kind of challenge (RFC 8657 4)."""
    issue = [record.value for record in records if record.tag == "issue"]
    wild = [record.value for record in records if record.tag == "issuewild"]
    counting = wild if host.startswith("*.") and wild else issue
    return not counting or any(_allows(value, identities, kind) for value in counting)


def _allows(value: str, identities: Collection[str], kind: str) -> bool:
    domain, *parameters = (part.strip() for part in value.split(";"))
    methods = _parameter(parameters, "validationmethods")
    return domain.lower() in identities and (methods is None or kind in methods.split(","))


def _parameter(parameters: Iterable[str], name: str) -> str | None:
    pairs = (parameter.partition("=") for parameter in parameters)
    return next((value.strip() for key, _, value in pairs if key.strip().lower() == name), None)


def allowed_names(records: Iterable[CAARecord]) -> str:
    """Whom the records let issue, for people."""
    values = (record.value.split(";")[0].strip() for record in records if record.tag.startswith("issue"))
    return ", ".join(dict.fromkeys(filter(None, values))) or "nobody"
