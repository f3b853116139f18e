"""A name that leads to where a cloud hands out credentials leads nowhere."""

import asyncio
import socket

import pytest

from proxy.cloud_address import is_cloud_address
from proxy.upstream_wire import connected


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "fd00:ec2::254%eth0", "2002:a9fe:a9fe::"],
)
def test_these_are(address):
    assert is_cloud_address(address)


@pytest.mark.parametrize(
    "address", ["172.18.0.5", "127.0.0.1", "fe80::1", "fd00::1", "metadata.google.internal", ""]
)
def test_these_are_not(address):
    assert not is_cloud_address(address)


async def test_a_name_that_leads_there_is_not_followed(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        asked = []

        async def resolve(host, port, **told):
            asked.append(host)
            found = {
                "evil.example.com": ["169.254.169.254"],
                "both.example.com": ["169.254.169.254", "127.0.0.1"],
            }
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found[host]]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        with pytest.raises(OSError, match="the name has no address"):
            await connected("evil.example.com", port)
        sock = await connected("both.example.com", port)
        assert sock.getpeername() == ("127.0.0.1", port)
        sock.close()
        assert asked == ["evil.example.com", "both.example.com"]
