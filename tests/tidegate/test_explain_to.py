from __future__ import annotations

import pytest

from proxy.schema import parse_text
from tests.program import Program, by_all, free_port
from tests.tidegate.apps import visit
from tidegate.setting_kinds import Readers

ROUTES = """
http:
  routers:
    down: {{ rule: Host(`down.test`), service: down, entryPoints: [web] }}
    broken: {{ rule: "Host(`broken.test`) && Header(`X-Token`, `token=hunter22`)", service: down,
               entryPoints: [web], middlewares: [gone] }}
  services:
    down: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{port}" }}] }} }}
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_people_in_the_house_read_why(tmp_path, workers):
    routes = tmp_path / "routes.yaml"
    routes.write_text(ROUTES.format(port=(port := free_port())))
    flags = ("--docker", "off", "--acme-ca", "off", "--routes", str(routes), "--workers", workers)
    with Program(tmp_path / "data", *flags, "--explain-to", "127.0.0.1") as program:
        by_all(lambda: visit(program, "down.test").status == 502)
        answer = visit(program, "down.test")
        assert answer.text.startswith(
            "This site's server gave no proper answer.\n\nhttp://down.test/ gets 502: "
        )
        assert f"http://127.0.0.1:{port} connection refused" in answer.text
        answer = visit(program, "donw.test", "/x")
        assert "http://donw.test/x gets 404: no router takes it. Did you mean down.test?" in answer.text
        answer = visit(program, "broken.test", X_Token="token=hunter22")
        assert answer.status == 503 and 'There is no middleware "gone@file"' in answer.text
        assert "hunter22" not in answer.text
        told = visit(program, "down.test", Accept="text/html")
        assert "<pre" in told.text and "connection refused" in told.text
        # Somebody speaks for others: nobody knows who reads it.
        assert visit(program, "down.test", X_Forwarded_For="127.0.0.1").text.count("\n") == 1
        assert visit(program, "down.test", Via="1.1 x").text.count("\n") == 1


def test_nobody_is_told_by_default(tmp_path):
    with Program(tmp_path / "data", "--docker", "off", "--acme-ca", "off") as program:
        assert visit(program, "a.test").text == "No site has this name here.\n"


def test_the_house_is_not_this_machine_itself_where_tunnels_come_from():
    networks = [str(each) for each in parse_text(Readers, "lan").networks]
    assert "192.168.0.0/16" in networks and "fd00::/8" not in networks
    assert not {"127.0.0.0/8", "::1/128"} & set(networks)
    assert [str(each) for each in parse_text(Readers, "127.0.0.1").networks] == ["127.0.0.1/32"]
