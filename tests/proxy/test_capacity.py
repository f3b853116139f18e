import pytest

from proxy.capacity import Capacity, connection_cap


@pytest.mark.parametrize(
    ("open_files", "connections"),
    [
        (1024, 461),
        (20_000, 9_000),
        (1_048_576, 471_859),
        (128, 32),
        (16, 4),
        (1, 1),
    ],
)
def test_a_share_of_the_descriptors_stays_for_everything_else(open_files, connections):
    assert connection_cap(open_files) == connections


def test_a_seat_is_given_back_once():
    capacity = Capacity(2)
    first, second = capacity.take(), capacity.take()
    assert capacity.full
    first.leave()
    first.leave()
    assert capacity.taken == 1
    second.leave()
    assert capacity.taken == 0


def test_who_waits_is_called_when_somebody_leaves_and_only_once():
    capacity = Capacity(1)
    calls = []
    seat = capacity.take()
    capacity.when_freed(lambda: calls.append(1))
    seat.leave()
    capacity.take().leave()
    assert calls == [1]


async def test_everybody_has_left():
    capacity = Capacity(3)
    await capacity.emptied()
    seat = capacity.take()
    waiting = capacity.emptied()
    seat.leave()
    await waiting
