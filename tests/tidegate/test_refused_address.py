import errno
import socket

import pytest

from tidegate.addresses import Address, NamedAddress
from tidegate.app import run
from tidegate.refused_address import refused_dashboard, refused_entrypoint
from tidegate.settings import Settings

WEB = NamedAddress("web", Address("", 8081))


@pytest.mark.parametrize(
    ("entry", "number", "said"),
    [
        (
            WEB,
            errno.EADDRINUSE,
            "Entrypoint web cannot listen on port 8081: another program has it. "
            "Stop that program, or choose another port: --web :8080",
        ),
        (
            NamedAddress("web", Address("127.0.0.1", 8080)),
            errno.EADDRINUSE,
            "Entrypoint web cannot listen on port 8080: another program has it. "
            "Stop that program, or choose another port: --web 127.0.0.1:8081",
        ),
        (
            NamedAddress("admin", Address("::1", 9000), tls=True),
            errno.EADDRINUSE,
            "Entrypoint admin cannot listen on port 9000: another program has it. "
            "Stop that program, or choose another port: --entrypoint admin=[::1]:8443/tls",
        ),
        (
            NamedAddress("websecure", Address("", 443), tls=True),
            errno.EACCES,
            "Entrypoint websecure cannot listen on port 443: ports below 1024 are for root. "
            "Start Tidegate as root or in a container, let everybody have them "
            "(sudo sysctl net.ipv4.ip_unprivileged_port_start=443), "
            "or choose another port: --websecure :8443",
        ),
        (
            NamedAddress("web", Address("192.0.2.1", 80)),
            errno.EADDRNOTAVAIL,
            "Entrypoint web cannot listen on 192.0.2.1:80: this machine has no such address. "
            "Choose one that it has, or all of them: --web :80",
        ),
        (
            WEB,
            errno.ENOMEM,
            "Entrypoint web cannot listen on :8081: cannot allocate memory. "
            "Choose another address: --web :8080",
        ),
    ],
)
def test_an_entrypoint_without_its_address_says_what_to_do(entry, number, said):
    assert refused_entrypoint(entry, number) == said


def test_a_dashboard_without_its_address_says_what_to_do():
    assert refused_dashboard(Address("nowhere", 8900), socket.EAI_NONAME) == (
        "The dashboard cannot listen on nowhere:8900: this machine has no such address. "
        "Choose one that it has, or all of them: --dashboard :8900"
    )


def test_a_start_at_a_taken_port_ends_with_the_advice_and_no_number_of_an_error(tmp_path, capfdbinary):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = Address("127.0.0.1", taken.getsockname()[1])
        settings = Settings(web=place, websecure=Address("127.0.0.1", 0), data=tmp_path, log_format="console")
        assert run(settings) == 1
    said = capfdbinary.readouterr().err.decode()
    assert f"Entrypoint web cannot listen on port {place.port}: another program has it." in said
    assert "rrno" not in said
