"""Judging: what a case came to.

AS_EXPECTED is what our corpora say.  OTHERWISE is another behaviour that harms nobody: a repair, a refusal, a
path as it came.  HARMFUL is what lets one party fool another: malformed bytes sent on, a request that the
app gets and nobody sent, a part passed off as the whole, another's answer.
"""

from __future__ import annotations

from enum import Enum

from proxy.exchange import Truncated
from tests.proxy.corpus.upstream_behaviours import Behaviour
from tests.proxy.wire.corpus_reading import Malformed, Message, read_requests, read_responses
from tests.proxy.wire.corpus_requests import EVIL, PRIVATE, Served
from tests.proxy.wire.test_corpus_requests import readings


class Verdict(Enum):
    AS_EXPECTED = "as expected"
    OTHERWISE = "otherwise"
    HARMFUL = "harmful"


Outcome = tuple[Verdict, str]
RIGHT: Outcome = (Verdict.AS_EXPECTED, "")
OURS = ("x-forwarded-for", "x-real-ip", "x-forwarded-proto", "host")
"""What Tidegate tells an app in its own words; others have theirs."""


def heard_by_app(heard: list[bytearray]) -> list[Message]:
    return [message for data in heard for message in read_requests(bytes(data), canonical=False)]


def judge_request(case: Served | None, back: bytes, heard: list[bytearray], closed: bool) -> Outcome:
    """`case` is None for what has to be refused."""
    try:
        app = heard_by_app(heard)
    except Malformed as malformed:
        return Verdict.HARMFUL, f"the app got {malformed}"
    got = [message for message in app if "/probe" not in message.line]
    # What nobody's host gets is a matter of configuration: of the answers there is one each.
    most = max(1, len(case.status)) if case else 1
    if len([each for each in got if each.whole]) > most:
        return Verdict.HARMFUL, f"the app got {[each.line for each in got]}"
    if any(EVIL in str(each.fields) + str(each.trailers) for each in app):
        return Verdict.OTHERWISE, "the app gets what a client said of itself"
    if back.startswith(b"\0\0"):
        return Verdict.OTHERWISE, "spoke HTTP/2"
    # Answers are to requests as the app got them; refusals, which the app never saw, come last.
    methods = [each.line.partition(" ")[0] for each in app] or ["GET"]
    try:
        answers = [
            each
            for each in read_responses(back, [*methods, *["GET"] * 200], closed, canonical=False)
            if each.status >= 200
        ]
    except Malformed as malformed:
        return Verdict.HARMFUL, f"the client got {malformed}"
    if case is None:
        return _refused(answers, got)
    return _served(case, answers, app, got)


def _refused(answers: list[Message], got: list[Message]) -> Outcome:
    whole = [each.line for each in got if each.whole]
    if whole:
        return Verdict.OTHERWISE, f"served as {whole}"
    if answers and answers[0].status < 400:
        return Verdict.OTHERWISE, f"answered {answers[0].status}"
    return RIGHT


def _served(case: Served, answers: list[Message], app: list[Message], got: list[Message]) -> Outcome:
    statuses = tuple(
        each.status for each in answers if each.body != b"ok" or not _is_probe(app, each, answers)
    )
    expected = tuple(status for status in case.status if status >= 200)
    if statuses[: len(expected)] != expected:
        return Verdict.OTHERWISE, f"answered {statuses or 'nothing'}, not {expected}"
    if tuple(each.line for each in got) != case.app:
        return Verdict.OTHERWISE, f"the app got {[each.line for each in got]}"
    for first in got[:1]:
        if first.body != case.body:
            return Verdict.HARMFUL, f"the app got content {first.body[:80]!r}"
        for name, value in case.has:
            if name not in OURS and first.all(name) != [value]:
                return Verdict.OTHERWISE, f"{name}: {first.all(name)}"
        for name in case.lacks:
            if first.all(name):
                return Verdict.OTHERWISE, f"{name} reached the app"
    return RIGHT


def _is_probe(app: list[Message], answer: Message, answers: list[Message]) -> bool:
    return bool(app) and "/probe" in app[-1].line and answer is answers[-1] and answer.body == b"ok"


def judge_guarded(back: bytes, heard: list[bytearray]) -> Outcome:
    """A target that some app takes for one below /private must not arrive in such a spelling."""
    try:
        passed = [each for each in heard_by_app(heard) if "/probe" not in each.line]
    except Malformed as malformed:
        return Verdict.HARMFUL, f"the app got {malformed}"
    for message in passed:
        target = message.line.partition(" ")[2]
        path = target.partition("://")[2].partition("/")[2] if "://" in target.partition("?")[0] else target
        if any(each.startswith(PRIVATE) for each in readings("/" + path.lstrip("/"))):
            return Verdict.HARMFUL, f"the app got {message.line}"
    return RIGHT


def judge_app(
    behaviour: Behaviour, back: bytes, closed: bool, reset: bool, next_ones: list[bytes]
) -> Outcome:
    """`next_ones` is what later requests got: b"second", each."""
    if any(b"POISON" in each for each in next_ones):
        return Verdict.HARMFUL, "the next client got an answer that was not for it"
    try:
        found = read_responses(back, [behaviour.method], closed and not reset, canonical=False)
    except Malformed as malformed:
        return Verdict.HARMFUL, f"the client got {malformed}"
    final = [each for each in found if each.status >= 200]
    if any(each != b"second" for each in next_ones):
        return Verdict.OTHERWISE, f"the next requests got {next_ones}"
    if not final:
        return Verdict.OTHERWISE, "no answer"
    answer = final[0]
    if isinstance(behaviour.outcome, bytes):
        if (answer.status, answer.body, answer.whole) != (behaviour.status, behaviour.outcome, True):
            return Verdict.OTHERWISE, f"answered {answer.status}, {len(answer.body)} octets"
        return RIGHT
    cut = not answer.whole
    if behaviour.outcome is Truncated:
        if cut or answer.status >= 500:
            return RIGHT
        if not {"close", "reset", "eof"} & {step for step in behaviour.script if isinstance(step, str)}:
            return Verdict.OTHERWISE, "malformed chunks were repaired"
        return Verdict.HARMFUL, f"a part, {len(answer.body)} octets, was passed off as the whole"
    if answer.status >= 500:
        return RIGHT
    return Verdict.OTHERWISE, f"answered {answer.status}, {len(answer.body)} octets{', cut' if cut else ''}"
