from dataclasses import replace

import pytest

from acme_client import order as order_module
from acme_client.challenges.http01 import HTTP01
from acme_client.failure import Failure
from acme_client.order import Issuance
from acme_client.resources import Authorization, Challenge
from acme_client.store import OpenOrder
from tests.acme_client.fake_ca import DIRECTORY, Clock, FakeCA

HOST = "blog.example.com"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(order_module, "FIRST_LOOK", 0.0)


@pytest.fixture
def http01():
    return HTTP01()


@pytest.fixture
def ca(http01):
    return FakeCA(Clock(), http01.answer)


@pytest.fixture
def journal():
    return []


@pytest.fixture
def issuance(ca, http01, journal):
    async def call(function, /, *args):
        return function(*args)

    async def keep(order):
        journal.append(order)

    return Issuance(HOST, DIRECTORY, ca, call, (http01,), keep, account=ca.account)


async def test_a_host_gets_its_certificate(issuance, ca):
    certificate = await issuance.obtain(None)
    assert certificate.names == (HOST,)
    assert certificate.directory == DIRECTORY
    assert ca.issued == [HOST]


async def test_the_order_is_on_the_books_before_the_challenge_is_answered(issuance, ca, journal):
    ca.refusals[HOST] = "connection"
    with pytest.raises(Failure):
        await issuance.obtain(None)
    assert [order.url for order in journal] == list(ca.orders)


async def test_the_answer_is_withdrawn_afterwards(issuance, ca, http01):
    await issuance.obtain(None)
    token = next(iter(ca.orders.values())).token
    assert http01.answer(f"/.well-known/acme-challenge/{token}") is None


@pytest.mark.parametrize("died_while", ["pending", "ready", "valid"])
async def test_an_order_of_an_earlier_life_is_gone_on_with(issuance, ca, journal, died_while):
    with pytest.raises(Failure, match="power"):
        await replace(issuance, session=DiesWhile(ca, died_while)).obtain(None)
    certificate = await issuance.obtain(journal[0])
    assert ca.ordered == [HOST]
    assert ca.issued == [HOST]
    assert certificate.key_pem.decode() == journal[0].key_pem


class DiesWhile:
    """The power goes when the order has come to this status."""

    def __init__(self, ca, status):
        self._ca = ca
        self._method = {"pending": "authorization", "ready": "finalize", "valid": "download"}[status]

    def __getattr__(self, name):
        if name == self._method:
            return self.die
        return getattr(self._ca, name)

    def die(self, *_):
        raise Failure("bug", "the power went")


@pytest.mark.parametrize(
    "stale",
    [
        OpenOrder("https://other.example/directory", "https://ca.example/order/1", "key", "account"),
        OpenOrder(DIRECTORY, "https://ca.example/order/1", "key", "another account"),
        OpenOrder(DIRECTORY, "https://ca.example/order/99", "key", "https://ca.example/account/1"),
    ],
)
async def test_an_order_that_is_of_no_use_any_more_is_made_anew(issuance, ca, stale):
    await issuance.obtain(stale)
    assert ca.ordered == [HOST]


async def test_a_refused_order_tells_the_cas_own_words_and_the_cause(issuance, ca):
    ca.refusals[HOST] = "connection"
    with pytest.raises(Failure) as caught:
        await issuance.obtain(None)
    assert caught.value.detail == "the CA's own words"
    assert "port 80" in caught.value.cause


async def test_a_proof_that_the_ca_remembers_is_not_made_again(issuance, ca):
    class Remembers:
        def __getattr__(self, name):
            return getattr(ca, name)

        def authorization(self, url):
            ca.orders[url.removeprefix("authorization of ")].status = "ready"
            return replace(ca.authorization(url), status="valid")

        def answer(self, url):
            raise AssertionError("answered a challenge that needs no answer")

    await replace(issuance, session=Remembers()).obtain(None)
    assert ca.issued == [HOST]


def stubborn(ca, challenge, status="pending"):
    """A CA whose authorization looks like this for ever."""

    class Stubborn:
        answers = 0

        def __getattr__(self, name):
            return getattr(ca, name)

        def authorization(self, url):
            return Authorization(url, status, (challenge,), retry_after=0.0)

        def answer(self, url):
            self.answers += 1
            return challenge

    return Stubborn()


ERROR = {"type": "urn:ietf:params:acme:error:connection", "detail": "connection refused"}


async def test_a_challenge_that_stays_pending_with_an_error_is_answered_a_few_times_and_then_failed(
    issuance, ca
):
    session = stubborn(ca, Challenge("c", "http-01", "pending", "t" * 20, ERROR))
    with pytest.raises(Failure) as caught:
        await replace(issuance, session=session).obtain(None)
    assert (caught.value.detail, session.answers) == ("connection refused", 3)


@pytest.mark.parametrize(
    ("challenge", "status", "detail"),
    [
        (Challenge("c", "http-01", "invalid", "t" * 20, ERROR), "pending", "connection refused"),
        (Challenge("c", "http-01", "invalid", "t" * 20), "pending", "authorization pending"),
        (Challenge("c", "http-01", "pending", "t" * 20), "invalid", "authorization invalid"),
        (Challenge("c", "http-01", "pending", "t" * 20), "deactivated", "authorization deactivated"),
        (Challenge("c", "dns-01", "pending", "t" * 20), "pending", "offers dns-01"),
    ],
)
async def test_a_proof_that_has_failed_is_not_waited_for(issuance, ca, challenge, status, detail):
    with pytest.raises(Failure) as caught:
        await replace(issuance, session=stubborn(ca, challenge, status)).obtain(None)
    assert caught.value.detail == detail


async def test_a_ca_that_never_decides_is_given_up_and_the_order_kept(issuance, ca, monkeypatch):
    monkeypatch.setattr(order_module, "PATIENCE", 0.2)
    session = stubborn(ca, Challenge("c", "http-01", "processing", "t" * 20))
    with pytest.raises(Failure, match="took more than") as caught:
        await replace(issuance, session=session).obtain(None)
    assert (caught.value.kind, caught.value.wide) == ("authority", False)


class Cuts:
    """The connection breaks after the CA has obeyed, once for each method."""

    def __init__(self, ca, *methods):
        self._ca = ca
        self._methods = set(methods)

    def __getattr__(self, name):
        method = getattr(self._ca, name)

        def perhaps_cut(*args):
            answer = method(*args)
            if name not in self._methods:
                return answer
            self._methods.discard(name)
            raise Failure("unreachable", "cut")

        return perhaps_cut


async def test_connections_that_break_on_the_way_cost_no_second_certificate(issuance, ca):
    session = Cuts(ca, "finalize", "order", "authorization", "download")
    await replace(issuance, session=session).obtain(None)
    assert (ca.ordered, ca.issued) == ([HOST], [HOST])


async def test_a_certificate_for_something_else_is_refused(issuance, ca):
    ca.download = lambda url: b"<html>"
    with pytest.raises(Failure, match="something else than a certificate"):
        await issuance.obtain(None)


async def test_a_replacement_that_the_ca_refuses_is_ordered_without_being_one(issuance, ca):
    class Replaced:
        def __getattr__(self, name):
            return getattr(ca, name)

        def new_order(self, host, replaces=""):
            if replaces:
                raise Failure("validation", "already", problem="alreadyReplaced")
            return ca.new_order(host)

    await replace(issuance, session=Replaced()).obtain(None, replaces="id")
    assert ca.issued == [HOST]


class HasJudged(FakeCA):
    """Judges at the first answer, and takes no second one: what an order looks like after a crash."""

    def answer(self, challenge_url):
        super().answer(challenge_url)
        raise Failure("validation", "refused", problem="malformed", detail="only status pending")


async def test_a_challenge_that_was_judged_meanwhile_is_told_by_its_judgement(issuance, http01):
    ca = HasJudged(Clock(), http01.answer)
    assert (await replace(issuance, session=ca).obtain(None)).names == (HOST,)
    ca.refusals[HOST] = "connection"
    with pytest.raises(Failure) as caught:
        await replace(issuance, session=ca).obtain(None)
    assert (caught.value.problem, caught.value.detail) == ("connection", "the CA's own words")


async def test_a_proof_that_was_looked_at_while_nobody_showed_it_is_no_verdict_on_the_host(
    issuance, ca, journal
):
    class LooksTooEarly:
        """Its answer is the one of the life before, of whose death it has not heard."""

        def __getattr__(self, name):
            return getattr(ca, name)

        def answer(self, challenge_url):
            if len(ca.ordered) == 1:
                order = ca.orders[journal[0].url]
                order.proof = order.status = "invalid"
                raise Failure("validation", "refused", problem="malformed", detail="only status pending")
            return ca.answer(challenge_url)

    with pytest.raises(Failure, match="power"):
        await replace(issuance, session=DiesWhile(ca, "pending")).obtain(None)
    certificate = await replace(issuance, session=LooksTooEarly()).obtain(journal[0])
    assert (ca.ordered, ca.issued) == ([HOST, HOST], [HOST])
    assert certificate.key_pem.decode() == journal[1].key_pem


async def test_a_host_that_the_ca_refuses_again_is_told_by_the_second_refusal(issuance, ca, journal):
    with pytest.raises(Failure, match="power"):
        await replace(issuance, session=DiesWhile(ca, "pending")).obtain(None)
    ca.refusals[HOST] = "connection"
    with pytest.raises(Failure) as caught:
        await issuance.obtain(journal[0])
    assert (caught.value.problem, ca.ordered) == ("connection", [HOST, HOST])
