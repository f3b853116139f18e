"""Request: the whole answer about one URL: decided as it is served, its servers looked up and tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from discovery.engine import EngineError
from discovery.standing import naming
from proxy.explain import NOT_FOUND, Explanation, explain
from proxy.problem import Problem
from tidegate.reachability import problem as unreachable
from tidegate.why.answer import RequestAnswer, ServerSeen
from tidegate.why.container import about_containers, reason
from tidegate.why.probe import status_of
from tidegate.why.question import Question, Unanswerable, arrived, entrypoint_for, reached_at, read_question
from tidegate.why.scene import Scene
from tidegate.why.servers import look_at
from tidegate.why.verdict import verdict

MOST_CLAIMANTS = 5


async def about_request(question: Question, scene: Scene, *, follow: bool = True) -> RequestAnswer:
    try:
        entry = entrypoint_for(question, scene.entrypoints)
        head, upgrade = arrived(question, entry, scene.trusted)
    except Unanswerable as error:
        return RequestAnswer(str(error), False, question.url, question.method, question.client)
    found = explain(
        scene.config,
        scene.entrypoints,
        entry.name,
        head,
        scene.challenge,
        upgrade=upgrade,
        fast_lane=scene.fast_lane,
    )
    route = found.route
    service = route.service if route else None
    asked = service.servers if service and found.status is None else ()
    servers = await look_at(asked, scene)
    failing = status_of([each.probe for each in servers])
    problems = problems_of(found, servers, failing, scene)
    without = ""
    if route and found.status is None and not servers:
        wrong = (each.what for each in problems if each.severity != "notice")
        without = next(wrong, scene.without_server(route.name))
    claimants = await who_asks_for(head.host, scene) if found.status == NOT_FOUND else ()
    url = reached_at(question, entry)
    line, served = verdict(url, found, servers, failing, without, claimants)
    answer = RequestAnswer(
        answer=line.rstrip(),
        served=served,
        url=url,
        method=question.method,
        client=str(head.client_ip),
        status=found.status or failing or (503 if route and not servers else None),
        location=found.location,
        entrypoint=entry.name,
        router=route.name if route else "",
        rule=route.router.rule if route else "",
        origin=route.router.origin if route else "",
        tried=found.misses,
        claimants=claimants,
        middlewares=found.steps,
        defaults=found.defaults,
        lane=found.lane,
        because=found.because,
        service=route.router.service if route else "",
        servers=servers,
        certificate=scene.certificate(head.host) if entry.tls else None,
        problems=problems,
    )
    return await followed(answer, question, scene) if follow and answer.location else answer


def problems_of(
    found: Explanation, servers: Sequence[ServerSeen], failing: int | None, scene: Scene
) -> tuple[Problem, ...]:
    """What is known to be wrong with the route, and what has just been seen of its servers."""
    if (route := found.route) is None:
        return ()
    known = scene.problems_of(route.router.origin, route.name)
    service = route.service
    if not failing or service is None:
        return known
    down = zip(service.servers, servers, strict=True)
    return tuple(
        dict.fromkeys(
            (*known, *(unreachable(service, server, each.probe, alone=True) for server, each in down))
        )
    )


async def who_asks_for(host: str, scene: Scene) -> tuple[str, ...]:
    """Containers that would have the host, and why they do not; none where the engine cannot say."""
    if scene.engine is None or not host:
        return ()
    try:
        idents = naming(host, await scene.engine.list_all(), scene.language)[:MOST_CLAIMANTS]
        found = [each for ident in idents if (each := await scene.engine.inspect(ident))]
        answer = await about_containers(host, found, scene) if found else None
    except EngineError:
        return ()
    seen = answer.containers if answer else ()
    return tuple(f"{each.name}: {reason(each)}" for each in seen if not each.routes)


async def followed(answer: RequestAnswer, question: Question, scene: Scene) -> RequestAnswer:
    """The answer with what comes of the redirect, if it leads to one of our own hosts."""
    try:
        there = read_question(answer.location)
        entrypoint_for(there, scene.entrypoints)
    except Unanswerable:
        return replace(answer, served=True)
    if there.host != question.host and not scene.knows(there.host):
        return replace(answer, served=True)
    asked = replace(there, method=question.method, client=question.client, fields=question.fields)
    then = await about_request(asked, scene, follow=False)
    return replace(answer, served=then.served, then=then)
