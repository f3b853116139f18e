"""Ask: a word from the command line, answered: a URL, a host, or a container."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

from discovery.engine import EngineError
from proxy.frozen import frozen
from tidegate.why.answer import ContainerAnswer, RequestAnswer
from tidegate.why.container import about_containers, find
from tidegate.why.question import Unanswerable, read_question
from tidegate.why.request import about_request
from tidegate.why.scene import Scene

WITHOUT_ENGINE = (
    'No Docker engine is watched here (--docker off), so nothing is known of a container "{word}", and no '
    "router names a host like that. Of a site ask by its URL: tidegate why https://{word}/"
)

NO_HOST = "No router names a host like that, either. Of a site ask by its URL: tidegate why https://{word}/"


@frozen
class Asking:
    """What is asked about, and how a request would be made."""

    about: str
    method: str = ""
    client: str = ""
    headers: tuple[str, ...] = ()
    entrypoint: str = ""
    """Where it came in; "" where the URL says it."""


def read_query(query: str) -> Asking:
    """From the query of /api/why."""
    given = parse_qs(query, keep_blank_values=True)

    def one(name: str) -> str:
        return given.get(name, [""])[0]

    return Asking(one("about"), one("method"), one("from"), tuple(given.get("header", ())), one("entrypoint"))


async def answer(asking: Asking, scene: Scene) -> RequestAnswer | ContainerAnswer:
    """A word with a slash or a colon, or a host that a router names, is a URL; others may be a container.

    One without a dot is nothing else.
    """
    word = asking.about.strip()
    if not word:
        return ContainerAnswer("Say what it is about: a URL or a container.", False)
    similar = None
    names_nothing_else = not {"/", ":", "."} & set(word) and not scene.knows(word.lower())
    if names_nothing_else and scene.engine is None:
        return ContainerAnswer(WITHOUT_ENGINE.format(word=word), False)
    if "/" not in word and ":" not in word and not scene.knows(word.lower()) and scene.engine:
        try:
            containers, similar = await find(word, scene.engine)
        except EngineError as error:
            if "." not in word:
                return ContainerAnswer(str(error), False)
            containers = []
        if containers:
            return await about_containers(word, containers, scene)
    if names_nothing_else:
        hint = f'Did you mean "{similar}"?' if similar else NO_HOST.format(word=word)
        return ContainerAnswer(f'No container is called "{word}". {hint}', False)
    try:
        secure = any(each.tls for each in scene.entrypoints)
        question = read_question(
            word, method=asking.method, client=asking.client, headers=asking.headers, secure=secure
        )
    except Unanswerable as error:
        return ContainerAnswer(str(error), False)
    return await about_request(replace(question, entrypoint=asking.entrypoint), scene)
