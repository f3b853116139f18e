"""What a machine tells of where it is, and what may not keep anybody waiting."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from discovery import whereabouts


@pytest.fixture(autouse=True)
def nobody_has_asked() -> Iterator[None]:
    whereabouts._asked_for_alias.cache_clear()
    yield
    whereabouts._asked_for_alias.cache_clear()


def test_the_hosts_alias_is_its_address(monkeypatch) -> None:
    monkeypatch.setattr(socket, "gethostbyname", lambda name: f"192.168.65.2 for {name}")
    assert whereabouts.host_alias() == "192.168.65.2 for host.docker.internal"


def test_where_nobody_has_the_name_there_is_none(monkeypatch) -> None:
    def nobody(name: str) -> str:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "gethostbyname", nobody)
    assert whereabouts.host_alias() == ""


def test_a_resolver_that_does_not_answer_delays_the_first_question_a_little_and_later_ones_not_at_all(
    monkeypatch,
) -> None:
    answered = threading.Event()

    def slow(name: str) -> str:
        answered.wait(30)
        return "192.168.65.2"

    monkeypatch.setattr(socket, "gethostbyname", slow)
    monkeypatch.setattr(whereabouts, "ALIAS_WITHIN", 0.2)
    began = time.monotonic()
    assert whereabouts.host_alias() == ""
    first = time.monotonic() - began
    assert 0.2 <= first < 5
    began = time.monotonic()
    assert [whereabouts.host_alias() for _ in range(100)] == [""] * 100
    assert time.monotonic() - began < 5  # a hundred times a little is twenty seconds
    answered.set()
    answer, _ = whereabouts._asked_for_alias()
    answer.result(5)
    assert whereabouts.host_alias() == "192.168.65.2"
