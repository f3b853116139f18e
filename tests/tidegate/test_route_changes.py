from dataclasses import replace

import pytest

from proxy.model import RoutingConfig, Server, Service
from tests.tidegate.test_status import BLOG, CONFIG, SERVED, status
from tidegate.route_changes import compare_routes, lines

ROUTES = status().routes
MOVED = replace(CONFIG, services={"blog@docker": Service("blog@docker", (Server("9f", "172.18.0.9", 2368),))})
EMPTIED = replace(CONFIG, services={"blog@docker": Service("blog@docker")})
OPENED = "opened https://blog.example.com -> http://172.18.0.3:2368 router=blog@docker"
CLOSED = "closed https://blog.example.com router=blog@docker"
ON_WEB = status(routes={"web": [SERVED]}).routes
OPENED_ON_WEB = "opened http://blog.example.com -> http://172.18.0.3:2368 router=blog@docker"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ((), ROUTES, [("info", OPENED)]),
        (ROUTES, (), [("info", CLOSED)]),
        (ROUTES, ROUTES, []),
        (ROUTES, ON_WEB, [("info", CLOSED), ("info", OPENED_ON_WEB)]),
        (
            ROUTES,
            status(config=MOVED).routes,
            [("debug", "moved https://blog.example.com -> http://172.18.0.9:2368 router=blog@docker")],
        ),
        (ROUTES, status(config=EMPTIED).routes, [("info", CLOSED)]),
        (status(config=EMPTIED).routes, ROUTES, [("info", OPENED)]),
        ((), status(routes={}).routes, []),
    ],
)
def test_what_is_said_of_a_change(old, new, said):
    assert [(line.level, line.words) for line in lines(compare_routes(old, new))] == said


def many(number: int):
    routers = {f"r{at:03}@docker": replace(BLOG, name=f"r{at:03}@docker") for at in range(number)}
    served = [replace(SERVED, router=router) for router in routers.values()]
    return status(config=RoutingConfig(routers, CONFIG.services), routes={"websecure": served}).routes


@pytest.mark.parametrize(("number", "loud"), [(20, 20), (21, 1), (200, 1)])
def test_many_at_once_are_one_line(number, loud):
    said = list(lines(compare_routes((), many(number))))
    assert sum(line.level == "info" for line in said) == loud
    assert sum(line.change is not None for line in said) == number
    if loud == 1:
        assert said[0].words == f"opened {number} routes; `tidegate routes` shows all"
