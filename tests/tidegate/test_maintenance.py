from __future__ import annotations

import http.client

import pytest

from tests.program import LOOPBACK, Program, by_all
from tests.tidegate.apps import running, typed, visit
from tidegate.maintenance import Closed, Order, Refused, load, read_order, save, turned

HOSTS = ("blog.test", "*.shop.test")
BLOG = Closed("blog.test", "Noon", ("10.0.0.0/8",))


def test_what_is_closed_is_known_again_after_a_restart(tmp_path):
    assert load(tmp_path / "data") == {}
    save(tmp_path / "data", {"blog.test": BLOG})
    assert load(tmp_path / "data") == {"blog.test": BLOG}
    assert (tmp_path / "data" / "maintenance.json").stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_is_not_taken_for_nothing(tmp_path):
    (tmp_path / "maintenance.json").write_text("{")
    with pytest.raises(OSError, match="damaged"):
        load(tmp_path)


@pytest.mark.parametrize("host", ["blog.test", "x.shop.test", "*.shop.test"])
def test_whatever_a_router_names_can_be_closed(host):
    assert turned({}, Order(host, True), HOSTS) == {host: Closed(host)}


def test_a_slip_is_not_taken_for_a_site_but_who_is_closed_can_always_be_opened():
    with pytest.raises(Refused, match=r'No router names the host "blgo\.test"\. Did you mean "blog\.test"'):
        turned({}, Order("blgo.test", True), HOSTS)
    with pytest.raises(Refused, match="No router names"):
        turned({}, Order("blgo.test", False), HOSTS)
    assert turned({}, Order("blog.test", False), HOSTS) == {}
    assert turned({"gone.test": Closed("gone.test")}, Order("gone.test", False), HOSTS) == {}


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ({"host": ["Blog.test."], "switch": ["on"]}, Order("blog.test", True)),
        ({"host": ["b"], "switch": ["off"]}, Order("b", False)),
        ({}, Order()),
        ({"host": ["https://NAS.lan/"]}, Order("nas.lan")),
        ({"host": ["https://nas.lan:8443"]}, Order("nas.lan")),
        ({"host": ["http://[::1]:80/"]}, Order("::1")),
        ({"host": ["*.Shop.test"]}, Order("*.shop.test")),
        ({"host": ["b"], "switch": ["on"], "allow": ["10.0.0.7"]}, Order("b", True, "", ("10.0.0.7/32",))),
    ],
)
def test_orders_are_read(given, order):
    assert read_order(given) == order


@pytest.mark.parametrize(
    "given",
    [{"host": ["https://a.test/x"]}, {"switch": ["maybe"]}, {"text": ["a\nb"]}, {"allow": ["10.0.0.0/33"]}],
)
def test_what_is_no_order_is_refused(given):
    with pytest.raises(Refused):
        read_order(given)


ROUTES = """
http:
  routers:
    blog: {{ rule: Host(`blog.test`) || Host(`www.test`), service: app, entryPoints: [web] }}
    labelled: {{ rule: Host(`labelled.test`), service: app, entryPoints: [web], middlewares: [closed] }}
  services:
    app: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{port}" }}] }} }}
  middlewares:
    closed: {{ maintenance: {{ text: Noon }} }}
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_command_closes_a_site_over_restarts_and_opens_it_again(tmp_path, workers):
    routes = tmp_path / "routes.yaml"
    flags = ("--docker", "off", "--acme-ca", "off", "--routes", str(routes), "--workers", workers)
    with running() as port, Program(tmp_path / "data", *flags) as program:
        routes.write_text(ROUTES.format(port=port))
        by_all(lambda: visit(program, "blog.test").status == 200)
        assert visit(program, "labelled.test").status == 503
        assert typed(program, "maintenance") == (0, "No site is closed by command\n")
        assert typed(program, "maintenance", "blgo.test", "on")[0] == 1

        said = typed(program, "maintenance", "blog.test", "on", "--text", "Back at noon.")
        assert said == (0, "blog.test is closed: Back at noon.\n")
        by_all(lambda: visit(program, "blog.test").status == 503)
        answer = visit(program, "blog.test")
        assert (answer.getheader("Retry-After"), answer.text) == ("300", "Back at noon.\n")
        assert visit(program, "www.test").status == 200
        rows = {row["router"]: row for row in program.api("routes")}
        assert rows["blog@file"]["action"] == "maintenance"
        assert rows["blog@file"]["reason"] == "Closed by `tidegate maintenance blog.test on`."
        assert rows["labelled@file"]["reason"] == 'Closed by middleware "closed@file".'
        assert (
            "maintenance-blog.test@command (maintenance) answers 503"
            in typed(program, "why", "http://blog.test/")[1]
        )

        program.stop()
        program.start()
        by_all(lambda: visit(program, "www.test").status == 200)
        assert visit(program, "blog.test").status == 503
        assert typed(program, "maintenance", "blog.test", "on", "--allow", "127.0.0.1") == (
            0,
            "blog.test is closed, open for 127.0.0.1/32\n",
        )
        by_all(lambda: visit(program, "blog.test").status == 200)
        assert typed(program, "maintenance", "blog.test", "on")[0] == 0
        by_all(lambda: visit(program, "blog.test").status == 503)
        assert typed(program, "maintenance", "blog.test", "off") == (
            0,
            "blog.test is open\n",
        )
        again = typed(program, "maintenance", "HTTP://Blog.test:80/", "off")
        assert again == (0, "blog.test is open (it was not closed by command)\n")
        labelled = (
            "labelled.test is not closed by command, but by a label or a file: tidegate why labelled.test\n"
        )
        assert typed(program, "maintenance", "labelled.test", "off") == (0, labelled)
        assert typed(program, "maintenance", "www.test") == (0, "www.test is not closed by command\n")
        by_all(lambda: visit(program, "blog.test").status == 200)


def test_the_dashboards_address_takes_no_orders(tmp_path):
    with Program(tmp_path / "data", "--docker", "off", "--acme-ca", "off") as program:
        connection = http.client.HTTPConnection(LOOPBACK, program.dashboard, timeout=5)
        connection.request("POST", "/api/maintenance?host=a.test&switch=on")
        assert connection.getresponse().status == 405
        connection.close()


def test_without_a_running_instance_nothing_is_closed(tmp_path):
    code, said = typed(Program(tmp_path / "data"), "maintenance", "blog.test", "on")
    assert code == 1
    assert "No running Tidegate answers here." in said
