"""Order: one certificate, from asking to having it (RFC 8555 7.4).

Every request is one call in a worker thread and every wait is the event loop's,
so an order can be given up at any point.  What must survive a crash - the
order's address and the certificate's key - is journalled before it is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from acme_client.certificate import BrokenCertificate, Certificate
from acme_client.challenges.proof import Proof, Prover
from acme_client.failure import Failure, from_challenge, from_problem
from acme_client.frozen import frozen
from acme_client.resources import Authorization, Challenge, Order, Session
from acme_client.store import OpenOrder

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds for the CA to look at our answer, and again to sign."""

FIRST_LOOK = 0.4
"""Seconds until the first look at what the CA does; then it is half as long again each time."""

STUMBLES = 5
"""Polls in a row that may fail: the order lives at the CA, not on the connection."""

ANSWERS = 3
"""How often a challenge that stays pending with an error is answered again (RFC 8555 8.2)."""


class Call(Protocol):
    """Runs one blocking request in a worker thread."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]: ...


@frozen
class Issuance:
    """One order and what it needs of the world."""

    host: str
    directory: str
    session: Session
    call: Call
    provers: Sequence[Prover]
    journal: Callable[[OpenOrder], Awaitable[None]]
    account: str = ""
    profile: str = ""
    warn: Callable[[str], None] = lambda remark: None
    proven: Callable[[], None] = lambda: None
    """Told when nothing is left to prove: from here on the CA counts a certificate."""

    async def obtain(self, opened: OpenOrder | None, replaces: str = "") -> Certificate:
        """The certificate; `opened` is an order that an earlier life of this program began."""
        resumed = await self._resume(opened) if opened else None
        if opened is None or resumed is None:
            opened, order = await self._open(replaces)
            order = await self._authorize_all(order)
        else:
            order = resumed
        self.proven()
        if order.status == "processing":
            order = await self._poll_order(order.url, until=("valid",), wait=order.retry_after)
        if order.status == "ready":
            order = await self._finalize(order, opened)
        chain_pem = await self._poll(self.session.download, order.certificate)
        return self._read(chain_pem, opened.key_pem.encode())

    async def _resume(self, opened: OpenOrder) -> Order | None:
        """The order with nothing left to prove; None where it is of no more use.

        A proof that is refused may have been looked at while no life of this program
        was there to show it, which says nothing of the host: it is worth a new order.
        """
        if opened.directory != self.directory or opened.account != self.account:
            return None
        try:
            order = await self.call(self.session.order, opened.url)
        except Failure as failure:
            if failure.wide:
                raise
            return None
        if order.status not in ("pending", "ready", "processing", "valid"):
            return None
        try:
            return await self._authorize_all(order)
        except Failure as failure:
            if failure.kind != "validation":
                raise
            return None

    async def _authorize_all(self, order: Order) -> Order:
        if order.status != "pending":
            return order
        for url in order.authorizations:
            await self._authorize(url)
        return await self._poll_order(order.url, until=("ready", "processing", "valid"))

    async def _open(self, replaces: str) -> tuple[OpenOrder, Order]:
        order = await self._ask_for_order(replaces, self.profile)
        from acme_client.keys import new_key

        opened = OpenOrder(self.directory, order.url, new_key().decode(), self.account)
        await self.journal(opened)
        return opened, order

    async def _ask_for_order(self, replaces: str, profile: str) -> Order:
        """A new order, without what this CA does not take of the wishes for it."""
        try:
            if profile:
                return await self.call(self.session.new_order, self.host, replaces, profile)
            return await self.call(self.session.new_order, self.host, replaces)
        except Failure as failure:
            if profile and failure.problem == "invalidProfile":
                self.warn(f"It has no certificate profile {profile!r}; its usual one is taken.")
                return await self._ask_for_order(replaces, "")
            if replaces and failure.problem in ("alreadyReplaced", "malformed"):
                return await self._ask_for_order("", profile)
            raise

    async def _authorize(self, url: str) -> None:
        """Prove that the host is ours, unless the CA still remembers an earlier proof."""
        authorization = await self._poll(self.session.authorization, url)
        if authorization.status == "valid":
            return
        self._fail_if_refused(authorization)
        unshown: list[Failure] = []
        for prover, challenge in self._ways(authorization):
            token, host = challenge.token, self.host.removeprefix("*.")
            try:
                async with prover.show(Proof(host, token, self.session.key_authorization(token))):
                    await self._prove(url, challenge)
                    return
            except Failure as failure:
                failure.challenge = prover.type
                if failure.kind != "dns":
                    failure.cause = _after(unshown, failure.cause)
                    raise
                unshown.append(failure)  # the CA was not asked: a host of another zone has another way
        raise unshown[0]

    def _ways(self, authorization: Authorization) -> list[tuple[Prover, Challenge]]:
        """The ways of proving that both we and the CA can go, the first one before the others."""
        offered = {challenge.type: challenge for challenge in authorization.challenges}
        obstacles, ways = [], []
        for prover in self.provers:
            if obstacle := prover.obstacle(self.host):
                obstacles.append(obstacle)
            elif prover.type in offered:
                ways.append((prover, offered[prover.type]))
        if ways:
            return ways
        wanted = ", ".join(prover.type for prover in self.provers)
        raise Failure(
            "configuration",
            " ".join((f"The CA cannot certify {self.host} by {wanted}.", *obstacles)),
            detail=f"offers {', '.join(offered) or 'nothing'}",
        )

    async def _prove(self, url: str, challenge: Challenge) -> None:
        answers = 0
        pace = Pace()
        tried, wait = challenge, None
        while pace.left > 0:
            if tried.status == "pending" and (answers == 0 or tried.error):
                if answers >= ANSWERS and tried.error:
                    raise from_challenge(tried.error, self.host, tried.type)
                await self._answer(challenge)
                answers += 1
            await pace.wait(wait)
            authorization = await self._poll(self.session.authorization, url)
            if authorization.status == "valid":
                return
            self._fail_if_refused(authorization)
            tried = next((c for c in authorization.challenges if c.url == challenge.url), challenge)
            wait = authorization.retry_after
        raise self._too_slow("look at our answer")

    async def _answer(self, challenge: Challenge) -> None:
        """Ask the CA to look.

        One that has judged already, since an earlier life of this program
        answered, calls that malformed; the authorization says how it judged.
        """
        try:
            await self._poll(self.session.answer, challenge.url)
        except Failure as failure:
            if failure.problem != "malformed":
                raise

    def _fail_if_refused(self, authorization: Authorization) -> None:
        """Raise where this proof has failed.

        A CA may leave the authorization pending over an invalid challenge, or
        call it invalid and give no reason; waiting changes neither.
        """
        refused = [challenge for challenge in authorization.challenges if challenge.status == "invalid"]
        for challenge in refused:
            if challenge.error:
                raise from_challenge(challenge.error, self.host, challenge.type)
        if refused or authorization.status not in ("pending", "valid"):
            raise Failure(
                "validation",
                f"The CA refused {self.host} and did not say why."
                f" Can http://{self.host}/ be opened from outside?",
                detail=f"authorization {authorization.status}",
            )

    async def _finalize(self, order: Order, opened: OpenOrder) -> Order:
        """The order once it is signed.

        The answer to the request may get lost, so it is the order itself that
        tells whether it was finalized; asking a second time is harmless.
        """
        from acme_client.keys import signing_request

        csr = signing_request(self.host, opened.key_pem)
        for _ in range(2):
            try:
                await self.call(self.session.finalize, order.finalize, csr)
            except Failure as failure:
                if failure.kind != "unreachable" and failure.problem != "orderNotReady":
                    raise
            order = await self._poll_order(order.url, until=("valid", "ready"), wait=0.0)
            if order.status == "valid":
                return order
        raise self._too_slow("sign")

    async def _poll_order(self, url: str, until: tuple[str, ...], wait: float | None = 0.0) -> Order:
        pace = Pace()
        while pace.left > 0:
            await pace.wait(wait)
            order = await self._poll(self.session.order, url)
            if order.status == "invalid":
                raise self._invalid(order)
            if order.status in until and (order.status != "valid" or order.certificate):
                return order
            wait = order.retry_after
        raise self._too_slow("finish the order")

    def _invalid(self, order: Order) -> Failure:
        if order.error:
            return from_problem(order.error, self.host)
        return Failure("validation", f"The CA gave up the order of {self.host} without saying why.")

    def _too_slow(self, what: str) -> Failure:
        return Failure(
            "authority", f"The CA took more than {PATIENCE:.0f} s to {what} for {self.host}.", wide=False
        )

    async def _poll(self, request: Callable[[str], T], url: str) -> T:
        """One look at something that lives at the CA, however often the way there is interrupted."""
        for stumble in range(1, STUMBLES):
            try:
                return await self.call(request, url)
            except Failure as failure:
                if not failure.wide or failure.retry_after is not None:
                    raise
            await asyncio.sleep(FIRST_LOOK * stumble)
        return await self.call(request, url)

    def _read(self, chain_pem: bytes, key_pem: bytes) -> Certificate:
        """The certificate, after a look whether it is the one that was asked for."""
        from acme_client.reading import read

        try:
            certificate = read(chain_pem, key_pem, self.directory)
        except BrokenCertificate as error:
            raise Failure(
                "validation", f"The CA sent something else than a certificate for {self.host}: {error}"
            ) from error
        if not certificate.covers(self.host):
            raise Failure("validation", f"The CA sent a certificate for {', '.join(certificate.names)}.")
        return certificate


def _after(unshown: Sequence[Failure], cause: str) -> str:
    """The cause, with what kept us from going another way before."""
    return " ".join((cause, *(f"Before that: {each}" for each in unshown)))


class Pace:
    """Waiting between two looks: as long as the CA asks, else a little longer each time."""

    def __init__(self) -> None:
        self._next = FIRST_LOOK
        self.left = PATIENCE

    async def wait(self, asked: float | None) -> None:
        pause = min(self._next if asked is None else asked, 30.0)
        self.left -= max(pause, 0.05)
        self._next = min(self._next * 1.5, 5.0)
        await asyncio.sleep(pause)
