"""Balancer: which server of a service is asked next.

Servers take turns (`proxy.turns`) unless the service says otherwise.  What is
remembered is kept by the service's name, so that a new routing table does not
send everybody to the first server again, nor anybody to one that is not well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from proxy.balancing import Balanced
from proxy.choosing import by_hash, hash_key, least, two_of
from proxy.crowding import Crowded, Slot
from proxy.exchange import NoServer, OnResponse, RequestHead
from proxy.model import Failover, Part, Server, Service, Weighted
from proxy.pages import DOWN, STARTING
from proxy.pick import Pick, Watch
from proxy.standing import Standing, ramp_of
from proxy.sticky import Places
from proxy.turns import Turns


def never_busy(server: Server) -> int:
    return 0


def no_time() -> float:
    return 0.0


def never(seconds: float, then: Callable[[], None]) -> Callable[[], object]:
    return no_time


class Balancer:
    def __init__(
        self,
        busy: Callable[[Server], int] = never_busy,
        now: Callable[[], float] = no_time,
        later: Callable[[float, Callable[[], None]], Callable[[], object]] = never,
    ) -> None:
        """`busy` tells how many requests a server has at the moment; `now` is in seconds.

        `later` calls back after some seconds, unless what it returns is called before.
        """
        self._busy = busy
        self._now = now
        self._later = later
        self._turns: dict[str, tuple[Sequence[object], Turns]] = {}
        self._standings: dict[str, Standing] = {}
        self._places: dict[str, tuple[Weighted, Places]] = {}
        self.on_judged: Callable[[Service, Server, bool], None] | None = None
        """Told what a check has found, of each server that is left out, and of each that answers again."""

    def choose(self, service: Service, excluding: Collection[Server] = ()) -> Server:
        """The server whose turn it is; `excluding` are those that have just failed this request."""
        servers = service.servers
        if len(servers) == 1 and not excluding and servers[0].weight > 0:
            return servers[0]
        able = [n for n, each in enumerate(servers) if each.weight > 0 and each not in excluding]
        if not able:
            raise no_server(service)
        if len(able) == 1:
            return servers[able[0]]
        turns = self._turns_of(service.name, servers)
        return servers[turns.take(able, [float(each.weight) for each in servers])]

    def pick(self, service: Service, head: RequestHead, excluding: Collection[Server] = ()) -> Pick:
        """The server for this request, whichever service it belongs to, and what follows from the choice."""
        how = service.how
        if isinstance(how, Balanced):
            return self._pick_server(service, how, head, excluding)
        if isinstance(how, Weighted):
            return self._pick_part(service, how, head, excluding)
        if isinstance(how, Failover):
            for part in how.parts:
                if part.service and self.has_server(part.service, excluding):
                    return self.pick(part.service, head, excluding)
            raise no_server(service)
        return Pick(service, self.choose(service, excluding))

    def judge(self, service: Service, server: Server, well: bool) -> None:
        """What a health check has found out about a server of the service."""
        standing = self._standing(service)
        if server in standing.servers:
            standing.records[standing.servers.index(server)].judge(well, self._now())
            self._let_in(standing)
            if self.on_judged:
                self.on_judged(service, server, well)

    def retain(self, services: Mapping[str, Service]) -> None:
        """A new table: forget services that are gone; who waits is served by what there is now."""
        waited = [each for each in self._standings.values() if each.waiting]
        for kept in (self._turns, self._standings, self._places):
            for name in [each for each in kept if each not in services]:  # few of many are asked for
                del kept[name]
        for standing in waited:
            name = standing.service.name
            standing.follow(services.get(name) or Service(name), self._now())
            self._let_in(standing)

    def _pick_server(
        self, service: Service, how: Balanced, head: RequestHead, excluding: Collection[Server]
    ) -> Pick:
        standing, now, ramp = self._standing(service), self._now(), ramp_of(how)
        servers, records = service.servers, standing.records
        able = self._able(service, standing, excluding, now)
        if not able:
            raise no_server(service)
        sticky = standing.sticky
        place, fresh = sticky.asked_for(head) if sticky else (None, False)
        stays = place is not None and place in able
        if how.max_connections:
            # Whoever stays at a server waits for that one: its session is nowhere else.
            wanted = [place] if place is not None and stays else able
            able = [each for each in wanted if records[each].busy < how.max_connections]
            if not able:
                raise Crowded(service.name, standing, how.queue, partial(self._look_again, standing))
        if place is None or not stays:
            fresh = False
            place = able[0]
            if len(able) > 1:
                weights = [
                    each.weight * record.share(now, ramp)
                    for each, record in zip(servers, records, strict=True)
                ]
                place = self._chosen(standing, how, head, able, weights)
        steps: tuple[OnResponse, ...] = sticky.steps[place] if sticky and not fresh else ()
        watch = None
        if how.passive_health_check or how.strategy == "leasttime":
            watch = Watch(records[place], how, self._now, self._tell(service, servers[place]))
            steps = (*steps, watch)
        slot = Slot(records[place], partial(self._let_in, standing)) if how.max_connections else None
        return Pick(service, servers[place], steps, watch, slot)

    def _chosen(
        self, standing: Standing, how: Balanced, head: RequestHead, able: list[int], weights: list[float]
    ) -> int:
        servers, records = standing.servers, standing.records
        best: Sequence[int] = able
        match str(how.strategy):
            case "hrw":
                if key := hash_key(how.hash_by, head):
                    return by_hash(able, key, [server.url for server in servers], weights)
            case "leastconn":
                best = least(able, lambda place: (self._busy(servers[place]) + 1) / weights[place])
            case "p2c":
                best = least(two_of(able), lambda place: self._busy(servers[place]))
            case "leasttime":
                best = least(
                    able,
                    lambda place: records[place].average * (self._busy(servers[place]) + 1) / weights[place],
                )
        return best[0] if len(best) == 1 else standing.turns.take(best, weights)

    def _able(
        self, service: Service, standing: Standing, excluding: Collection[Server], now: float
    ) -> list[int]:
        return [
            place
            for place, (server, record) in enumerate(zip(service.servers, standing.records, strict=True))
            if server.weight > 0 and server not in excluding and record.may_serve(now)
        ]

    def _pick_part(
        self, service: Service, how: Weighted, head: RequestHead, excluding: Collection[Server]
    ) -> Pick:
        parts = how.parts
        able = [
            n
            for n, each in enumerate(parts)
            if each.weight > 0 and each.service and self.has_server(each.service, excluding)
        ]
        if not able:
            raise no_server(service)
        places = self._places_of(service, how)
        place, fresh = places.asked_for(head) if places else (None, False)
        if place is None or place not in able:
            names, weights = [each.name for each in parts], [float(each.weight) for each in parts]
            if how.hashed:
                place = by_hash(able, str(head.client_ip), names, weights)
            else:
                place = self._turns_of(service.name, parts).take(able, weights)
            fresh = False
        after = places.steps[place] if places and not fresh else ()
        try:
            pick = self.pick(parts[place].service or service, head, excluding)
        except Crowded as crowded:
            crowded.after = (*crowded.after, *after)
            raise
        return replace(pick, steps=(*pick.steps, *after)) if after else pick

    def has_server(self, service: Service, excluding: Collection[Server] = ()) -> bool:
        """Whether there is one that may be asked."""
        how = service.how
        if isinstance(how, Weighted | Failover):
            return any(each.service and self.has_server(each.service, excluding) for each in how.parts)
        if isinstance(how, Balanced):
            return bool(self._able(service, self._standing(service), excluding, self._now()))
        return any(each.weight > 0 and each not in excluding for each in service.servers)

    def _let_in(self, standing: Standing) -> None:
        """Serve those who wait, as far as there is room."""
        self._serve(standing)
        self._look_again(standing)

    def _look_again(self, standing: Standing) -> None:
        """While somebody waits: see what there is when the next server that was left out is back."""
        standing.rest()
        if not standing.waiting:
            return
        now = self._now()
        back = [record.out_until for record in standing.records if record.out_until > now]
        if back:
            standing.alarm = self._later(min(back) - now, partial(self._let_in, standing))

    def _serve(self, standing: Standing) -> None:
        for waiter in list(standing.waiting):
            try:
                pick = self.pick(standing.service, waiter.head, waiter.excluding)
            except Crowded:
                if standing.sticky or waiter.excluding:
                    continue  # there may be room elsewhere, for somebody else
                return
            except NoServer as error:
                waiter.leave()
                waiter.fail(error)
            else:
                waiter.leave()
                waiter.grant(replace(pick, steps=(*pick.steps, *waiter.after)))

    # What is remembered

    def _turns_of(self, name: str, members: Sequence[object]) -> Turns:
        known = self._turns.get(name)
        if known and known[0] is members:
            return known[1]
        turns = Turns(len(members))
        if known:
            before = dict(zip(map(_named, known[0]), known[1].due, strict=True))
            turns.clock = known[1].clock
            turns.due = [before.get(_named(member), -1.0) for member in members]
        self._turns[name] = members, turns
        return turns

    def _standing(self, service: Service) -> Standing:
        known = self._standings.get(service.name)
        if known is None:
            known = self._standings[service.name] = Standing(service)
        elif known.servers is not service.servers or known.how is not service.how:
            known.follow(service, self._now())
        return known

    def _places_of(self, service: Service, how: Weighted) -> Places | None:
        if how.sticky is None:
            return None
        known = self._places.get(service.name)
        if known is None or known[0] is not how:
            places = Places(how.sticky, service.name, [each.name for each in how.parts])
            known = self._places[service.name] = how, places
        return known[1]

    def _tell(self, service: Service, server: Server) -> Callable[[bool], None]:
        def judged(well: bool) -> None:
            if self.on_judged:
                self.on_judged(service, server, well)

        return judged


def _named(member: object) -> object:
    """What a member is known by in another table."""
    return member.name if isinstance(member, Part) else member


def no_server(service: Service) -> NoServer:
    error = NoServer(f"service {service.name} has no server that is up")
    error.detail = STARTING if service.starting else DOWN
    return error
