"""Listening sockets in several sets: one address, shared by nobody else."""

import socket

import pytest

from proxy.listening import CannotListen, Listener, addresses_of, bind_all, close_all

WEB = Listener("web", "127.0.0.1", 0)


def taken_of(sets):
    """How many connections wait in each set."""
    counts = []
    for bound in sets:
        counts.append(0)
        for _, sock in bound:
            sock.setblocking(False)
            while True:
                try:
                    sock.accept()[0].close()
                except BlockingIOError:
                    break
                counts[-1] += 1
    return counts


@pytest.mark.parametrize("listener", [WEB, Listener("web", "::1", 0), Listener("web", "", 0)])
def test_connections_are_spread_over_all_sets_and_none_is_lost(listener):
    sets = bind_all([listener], 3)
    address = sets[0][-1][1].getsockname()[:2]
    assert len({tuple(addresses_of(bound)["web"]) for bound in sets}) == 1
    clients = [socket.create_connection(address) for _ in range(150)]
    counts = taken_of(sets)
    assert sum(counts) == 150
    assert min(counts) > 15
    for each in (*clients, *(sock for bound in sets for _, sock in bound)):
        each.close()


def test_an_address_that_somebody_has_is_refused_though_he_would_share_it():
    [[(_, ours)], [(_, beside)]] = bind_all([WEB], 2)
    port = ours.getsockname()[1]
    with ours, beside:
        for several in (1, 2):
            with pytest.raises(CannotListen, match="in use"):
                bind_all([Listener("web", "127.0.0.1", port)], several)


def test_where_one_address_cannot_be_had_none_stays_bound_in_any_set():
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        first, second = free.getsockname()[1], taken.getsockname()[1]
        free.close()
        with pytest.raises(CannotListen) as error:
            bind_all([Listener("web", "127.0.0.1", first), Listener("admin", "127.0.0.1", second)], 3)
        assert error.value.entrypoint == "admin"
        socket.create_server(("127.0.0.1", first)).close()


def test_who_waits_at_a_socket_is_served_by_whoever_takes_it_over():
    [bound] = bind_all([WEB])
    [(_, sock)] = bound
    successor = socket.socket(fileno=socket.dup(sock.fileno()))
    with socket.create_connection(sock.getsockname()), successor:
        close_all(bound)
        client, _ = successor.accept()
        client.close()
