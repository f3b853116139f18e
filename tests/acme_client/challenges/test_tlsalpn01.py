import asyncio
from hashlib import sha256

import pytest
from cryptography import x509

from acme_client.challenges.proof import Proof
from acme_client.challenges.tlsalpn01 import TLSALPN01

PROOF = Proof("blog.example.com", "token", "token.thumb")


async def shown_for(proof):
    prover, told = TLSALPN01(), []

    async def show(proofs):
        told.append(proofs)

    def spread(proofs):
        return asyncio.get_running_loop().create_task(show(proofs))

    prover.on_change = spread
    async with prover.show(proof):
        [shown] = told
    await asyncio.sleep(0)
    assert told[1:] == [{}]
    return shown


async def test_the_certificate_holds_the_key_authorization_and_nothing_but_the_one_name():
    shown = await shown_for(PROOF)
    certificate = x509.load_pem_x509_certificate(shown["blog.example.com"].chain_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName("blog.example.com")]
    identifier = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
    assert identifier.critical
    assert identifier.value.value == b"\x04\x20" + sha256(b"token.thumb").digest()
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("203.0.113.5", "5.113.0.203.in-addr.arpa"),
        ("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
    ],
)
async def test_an_address_is_asked_for_by_its_name_in_the_reverse_dns(address, asked):
    shown = await shown_for(Proof(address, "token", "token.thumb"))
    certificate = x509.load_pem_x509_certificate(shown[asked].chain_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == [address]


async def test_nobody_is_told_to_ask_before_the_certificate_is_shown_everywhere():
    prover, asked = TLSALPN01(), []
    everywhere = asyncio.get_running_loop().create_future()
    prover.on_change = lambda proofs: everywhere

    async def order():
        async with prover.show(PROOF):
            asked.append("the CA")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(order())
        await asyncio.sleep(0)
        assert asked == []
        everywhere.set_result(None)
    assert asked == ["the CA"]


async def test_what_a_later_order_shows_for_the_name_is_not_taken_away_by_the_end_of_an_earlier_one():
    prover, told = TLSALPN01(), []
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    prover.on_change = lambda proofs: told.append(proofs) or done
    earlier = prover.show(PROOF)
    await earlier.__aenter__()
    async with prover.show(PROOF):
        later = told[-1]
        await earlier.__aexit__(None, None, None)
        assert told[-1] == later
    assert told[-1] == {}


def test_a_wildcard_cannot_be_proven_like_this():
    assert "DNS-01" in TLSALPN01().obstacle("*.example.com")
    assert TLSALPN01().obstacle("blog.example.com") == ""
