"""Real containers, and whether the routing follows them."""

from __future__ import annotations

import pytest

from tests.integration.docker.watching import watching

pytestmark = pytest.mark.docker

BLOG = {"tidegate.host": "blog.test"}


async def test_a_container_is_served_while_it_runs(yard, aside):
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(blog.stop, timeout=0)
        await seen.eventually("blog.test", "[no route]")
        assert blog.id in seen.gone
        await aside(blog.start)
        await seen.eventually("blog.test", "hello")


async def test_a_container_with_labels_of_traefik_is_served(yard, aside):
    async with watching(yard.url) as seen:
        labels = {
            "traefik.enable": "true",
            "traefik.http.routers.blog.rule": "Host(`blog.test`)",
            "traefik.http.routers.blog.entrypoints": "https",
            "traefik.http.services.blog.loadbalancer.server.port": "80",
        }
        blog = await aside(yard.start, "hello", labels)
        await seen.eventually("blog.test", "hello")
        assert seen.router("blog.test").entrypoints == ("websecure",)
        await aside(blog.stop, timeout=0)
        await seen.eventually("blog.test", "[no route]")


async def test_a_container_that_already_runs_is_served_from_the_start(yard, aside):
    await aside(yard.start, "hello", BLOG)
    async with watching(yard.url) as seen:
        await seen.eventually("blog.test", "hello")
        assert seen.states[0].up


@pytest.mark.parametrize("way", ["kill", "pause", "remove"])
async def test_a_container_that_goes_leaves_at_once(yard, aside, way):
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        ways = {"kill": blog.kill, "pause": blog.pause, "remove": lambda: blog.remove(force=True)}
        await aside(ways[way])
        await seen.eventually("blog.test", "[no route]", within=5)
        assert blog.id in seen.gone
        if way == "pause":
            await aside(blog.unpause)
            await seen.eventually("blog.test", "hello")
        if way == "remove":
            yard.containers.remove(blog)


async def test_a_restart_ends_with_the_route_it_began_with(yard, aside):
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(blog.restart, timeout=0)
        assert blog.id in seen.gone
        await seen.eventually("blog.test", "hello")


async def test_a_container_that_is_asked_to_stop_gets_nothing_new_but_may_finish(yard, aside):
    stubborn = (
        'CMD ["/bin/sh", "-c", "trap \'\' TERM; echo $TEXT > /www/index.html; httpd -f -h /www & wait"]'
    )
    image = await aside(yard.image, "EXPOSE 80", stubborn)
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG, image=image)
        await seen.eventually("blog.test", "hello")
        await aside(blog.kill, "SIGTERM")
        await seen.eventually("blog.test", "[no route]", within=5)
        assert blog.id not in seen.gone
        await aside(blog.kill)
        await seen.until(lambda: blog.id in seen.gone)


async def test_a_signal_that_only_reloads_changes_nothing(yard, aside):
    deaf = 'CMD ["/bin/sh", "-c", "trap \'\' HUP; echo $TEXT > /www/index.html; httpd -f -h /www & wait"]'
    image = await aside(yard.image, "EXPOSE 80", deaf)
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG, image=image)
        await seen.eventually("blog.test", "hello")
        published = len(seen.configs)
        await aside(blog.kill, "SIGHUP")
        other = await aside(yard.start, "other", {"tidegate.host": "other.test"})
        await seen.eventually("other.test", "other")
        assert all("blog.test" in str(config.routers) for config in seen.configs[published:])
        assert other.id not in seen.gone


async def test_a_renamed_container_keeps_its_site(yard, aside):
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(blog.rename, f"{yard.mark}-renamed")
        await seen.until(lambda: seen.router("blog.test").origin == f"{yard.mark}-renamed")
        await seen.eventually("blog.test", "hello")
        assert blog.id not in seen.gone


async def test_a_network_that_is_left_and_joined_again_closes_and_opens_the_route(yard, aside):
    network = await aside(yard.network)
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(network.disconnect, blog)
        await seen.until(lambda: seen.servers("blog.test") == (), within=5)
        assert blog.id in seen.gone
        assert any("shares no network" in problem.what for problem in seen.config.problems)
        await aside(network.connect, blog)
        await seen.eventually("blog.test", "hello")


async def test_leaving_a_network_that_was_not_used_harms_nothing(yard, aside):
    await aside(yard.network, "a")
    spare = await aside(yard.network, "b")
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(spare.connect, blog)
        await aside(spare.disconnect, blog)
        await aside(yard.start, "other", {"tidegate.host": "other.test"})
        await seen.eventually("other.test", "other")
        assert blog.id not in seen.gone
        await seen.eventually("blog.test", "hello")


async def test_health_decides_whether_a_container_gets_requests(yard, aside):
    check = 'HEALTHCHECK --interval=200ms --retries=1 CMD ["/bin/test", "-e", "/tmp/well"]'
    image = await aside(yard.image, "EXPOSE 80", check)
    async with watching(yard.url) as seen:
        blog = await aside(yard.start, "hello", BLOG, image=image)
        await seen.eventually("blog.test", "[no server]")
        await aside(blog.exec_run, ["touch", "/tmp/well"])
        await seen.eventually("blog.test", "hello")
        await aside(blog.exec_run, ["rm", "/tmp/well"])
        await seen.eventually("blog.test", "[no server]")


async def test_replicas_of_a_compose_service_share_one_service(yard, aside):
    labels = BLOG | {"com.docker.compose.project": "demo", "com.docker.compose.service": "blog"}
    async with watching(yard.url) as seen:
        one = await aside(yard.start, "one", labels)
        two = await aside(yard.start, "two", labels)
        await seen.until(lambda: {s.owner for s in seen.servers("blog.test") or ()} == {one.id, two.id})
        assert seen.router("blog.test").service == "blog_demo@docker"
        await aside(one.kill)
        await seen.eventually("blog.test", "two")


async def test_the_older_container_keeps_a_host_and_the_younger_gets_it_afterwards(yard, aside):
    async with watching(yard.url) as seen:
        old = await aside(yard.start, "old", BLOG)
        await aside(yard.start, "young", BLOG)
        await seen.until(lambda: any("already belongs" in problem.what for problem in seen.config.problems))
        await seen.eventually("blog.test", "old")
        await aside(old.kill)
        await seen.eventually("blog.test", "young")
        assert not seen.config.problems


async def test_a_container_in_the_network_of_another_is_reached_there(yard, aside):
    async with watching(yard.url) as seen:
        vpn = await aside(yard.start, "vpn", {})
        sidecar = {"network_mode": f"container:{vpn.id}"}
        await aside(yard.start, "torrent", BLOG | {"tidegate.port": "8081"}, command=_web_on(8081), **sidecar)
        await seen.eventually("blog.test", "torrent")


async def test_a_container_in_host_mode_is_reached_on_the_host(yard, aside):
    from tests.program import free_port

    port = free_port()
    async with watching(yard.url) as seen:
        labels = BLOG | {"tidegate.port": str(port)}
        await aside(yard.start, "on the host", labels, network_mode="host", command=_web_on(port))
        await seen.eventually("blog.test", "on the host")
        assert seen.servers("blog.test")[0].address == "127.0.0.1"


async def test_one_containers_mistake_changes_nothing_for_another(yard, aside):
    async with watching(yard.url) as seen:
        await aside(yard.start, "hello", BLOG)
        await aside(yard.start, "x", {"tidegate.http.routers.x.rul": "Host(`x.test`)"})
        await aside(yard.start, "y", {"tidegate.host": "y.test", "tidegate.port": "eighty"})
        await seen.until(lambda: len(seen.config.problems) == 2)
        await seen.eventually("blog.test", "hello")
        assert seen.router("x.test") is None


def _web_on(port: int) -> list[str]:
    return ["/bin/sh", "-c", f"echo $TEXT > /www/index.html; exec httpd -f -p {port} -h /www"]
