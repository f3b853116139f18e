"""Values behave as frozen, slotted dataclasses do, though they share what those write for each class."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from acme_client import frozen as of_acme_client
from proxy import frozen as of_proxy

ours = pytest.mark.parametrize(
    "frozen", [of_proxy.frozen, of_acme_client.frozen], ids=["proxy", "acme_client"]
)


def made(by: Callable[[type], type]) -> type[Any]:
    class Server:
        """A class as people write it."""

        address: str
        port: int = 80
        password: str = field(default="", repr=False)
        tags: list[str] = field(default_factory=list, compare=False)

    return by(Server)


@ours
def test_it_does_what_a_dataclass_does(frozen: Callable[[type], type]) -> None:
    usual, own = made(dataclass(frozen=True, slots=True)), made(frozen)
    assert [each.name for each in fields(own)] == [each.name for each in fields(usual)]
    assert repr(own("a", password="secret")) == repr(usual("a", password="secret"))
    assert own("a", 1) == own("a", 1, tags=["x"]) != own("b", 1)
    assert hash(own("a", 1)) == hash(usual("a", 1))
    assert replace(own("a"), port=2) == own("a", 2)
    assert own.__match_args__ == usual.__match_args__
    assert not hasattr(own("a"), "__dict__")


@ours
@pytest.mark.parametrize("name", ["port", "nothing"])
def test_nothing_of_it_can_be_changed(frozen: Callable[[type], type], name: str) -> None:
    for server in (made(dataclass(frozen=True, slots=True))("a"), made(frozen)("a")):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(server, name, 1)
    with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(made(frozen)("a"), name, 1)
    with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(made(frozen)("a"), name)


@ours
def test_a_text_of_its_own_stays(frozen: Callable[[type], type]) -> None:
    class Masked:
        secret: str

        def __repr__(self) -> str:
            return "..."

    assert repr(frozen(Masked)("hunter2")) == "..."


@of_proxy.frozen
class ByProxy:
    name: str


@of_acme_client.frozen
class ByACMEClient:
    name: str


@pytest.mark.parametrize("value", [ByProxy("a"), ByACMEClient("a")])
def test_it_travels_between_processes(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


def test_both_are_the_same() -> None:
    """Two packages that know nothing of each other; whoever changes one changes both."""
    assert of_proxy.SHARED.keys() == of_acme_client.SHARED.keys()
    for name, method in of_proxy.SHARED.items():
        assert method.__code__.co_code == of_acme_client.SHARED[name].__code__.co_code
