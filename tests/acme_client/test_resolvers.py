"""Several resolvers with names beside the usual one, each with what it asks of whom."""

from acme_client import events
from acme_client.authority import STAGING, Authorities, Authority, choose_authority
from acme_client.certificate import INTERNAL
from acme_client.challenges.http01 import HTTP01
from acme_client.ledger import Entry
from acme_client.resolver import Resolver, Resolvers
from acme_client.store import Account, Store
from tests.acme_client.fake_ca import DIRECTORY
from tests.acme_client.test_manager import BLOG, SHOP, Stage

COMPANY = "https://company.example/directory"
WILDCARD = "*.example.com"


def resolver(name, *directories, **more):
    authorities = (Authority(each).of_resolver(name) for each in directories)
    return Resolver(Authorities(tuple(authorities)), ("http-01",), **more)


RESOLVERS = {"company": resolver("company", COMPANY), "short": resolver("short", DIRECTORY)}


async def certified(data, named, hosts=(BLOG, SHOP), **more):
    stage = Stage(data, resolvers=RESOLVERS, **more)
    stage.manager.want(hosts, named)
    async with stage.running():
        await stage.eventually(lambda: all(each.state == "active" for each in stage.manager.status()))
        await stage.eventually(lambda: {each.directory for each in stage.served.values()} >= {DIRECTORY})
    return stage


async def test_each_host_is_certified_by_its_own_resolver_and_remains_so_after_a_restart(tmp_path):
    stage = await certified(tmp_path, {SHOP: "company"})
    served = {host: each.directory for host, each in stage.served.items()}
    assert served == {BLOG: DIRECTORY, SHOP: f"{COMPANY}#company"}
    assert [(each.host, each.resolver) for each in stage.manager.status()] == [(BLOG, ""), (SHOP, "company")]
    again = await certified(tmp_path, {SHOP: "company"}, clock=stage.clock)
    assert again.told(events.Ordering) == []
    assert {host: each.serial for host, each in again.served.items()} == {
        host: each.serial for host, each in stage.served.items()
    }


async def test_two_resolvers_of_one_ca_are_told_apart(tmp_path):
    stage = await certified(tmp_path, {SHOP: "short"})
    assert stage.served[SHOP].directory == f"{DIRECTORY}#short"


def test_two_resolvers_of_one_ca_have_an_account_and_a_record_of_failures_each(tmp_path):
    store, one, other = Store(tmp_path), Authority(DIRECTORY), Authority(DIRECTORY).of_resolver("short")
    store.save_account(one, Account(b"one", "https://one"))
    store.save_account(other, Account(b"other", "https://other"))
    assert store.load_account(one) == Account(b"one", "https://one")
    assert store.load_account(other) == Account(b"other", "https://other")
    store.save_pause(other.directory, Entry(failures=2))
    assert store.load_pause(one.directory) == Entry()
    assert store.load_pause(other.directory) == Entry(failures=2)


async def test_who_changes_the_resolver_is_served_until_the_other_one_has_certified(tmp_path):
    stage = Stage(tmp_path, resolvers=RESOLVERS)
    stage.manager.want((BLOG,), {BLOG: "company"})
    async with stage.running():
        await stage.eventually(lambda: stage.manager.status()[0].state == "active")
        stage.manager.want((BLOG,), {BLOG: "short"})
        assert stage.served[BLOG].directory == f"{COMPANY}#company"
        await stage.eventually(lambda: stage.served[BLOG].directory == f"{DIRECTORY}#short")
        stage.manager.want((BLOG,), {BLOG: INTERNAL})
        await stage.eventually(lambda: stage.served[BLOG].directory == INTERNAL)


async def test_a_wildcard_covers_the_hosts_of_its_own_resolver_alone(tmp_path):
    stage = Stage(tmp_path, authority=Authority(DIRECTORY, dns="someone"), resolvers=RESOLVERS)
    stage.manager.want((WILDCARD, BLOG, SHOP), {SHOP: "company"})
    covered = {each.host: each.covered_by for each in stage.manager.status()}
    assert covered == {WILDCARD: "", BLOG: WILDCARD, SHOP: ""}


def test_a_resolver_at_a_public_ca_keeps_what_is_known_of_that_ca():
    plain = choose_authority("letsencrypt")
    named = plain.of_resolver("short")
    assert (named.url, named.public, named.counts) == (plain.directory, True, True)
    assert named.limits == plain.limits
    assert named.rehearsal and named.rehearsal.directory == f"{STAGING}#short"
    assert not named.rehearsal.counts
    assert choose_authority("off").of_resolver("x") == choose_authority("off")


def test_each_ca_is_given_proof_in_the_ways_of_its_resolver():
    usual = Resolver(Authorities((choose_authority("letsencrypt"),)), ("http-01",))
    quiet = Resolver(Authorities((Authority(COMPANY).of_resolver("quiet"),)), ())
    http = HTTP01()
    provers = Resolvers(usual, {"quiet": quiet}).provers((http,))
    assert provers == {
        choose_authority("letsencrypt").directory: (http,),
        STAGING: (http,),
        f"{COMPANY}#quiet": (),
    }
