"""esbuild's server tells pages of each build by server-sent events, one when it happens."""

from __future__ import annotations

import pytest

from tests.integration.image.apps import MET

pytestmark = MET

LISTEN = """() => {
    window.heard = [];
    window.source = new EventSource("/esbuild");
    source.addEventListener("change", event => heard.push(JSON.parse(event.data)));
    return new Promise((resolve, reject) => {
        source.addEventListener("open", () => resolve("open"));
        source.addEventListener("error", () => reject(new Error("no events")));
    });
}"""
SITE = {
    "tidegate.http.routers.esbuild.rule": "Host(`esbuild.test`)",
    "tidegate.http.services.esbuild.loadbalancer.server.port": "8000",
    # It answers 403 to every name but localhost and addresses, as a server for developers should.
    "tidegate.http.services.esbuild.loadbalancer.passhostheader": "false",
}
COMPRESSED = SITE | {
    "tidegate.http.routers.esbuild.middlewares": "small",
    "tidegate.http.middlewares.small.compress": "true",
}


@pytest.mark.parametrize("labels", [SITE, COMPRESSED], ids=["plain", "compress"])
def test_each_event_reaches_the_browser_before_the_next_one_is_sent(serve, visit, labels):
    site = serve("esbuild", labels)
    page = visit(site)
    page.goto(f"{site.url}/index.html")
    assert page.evaluate(LISTEN) == "open"
    for number in range(1, 6):
        done = site.app.exec_run(["sh", "-c", f"echo 'console.log({number})' > /site/app.js"])
        assert done.exit_code == 0, done.output
        # Nothing more is sent before this one is here, so nothing may wait for company.
        page.wait_for_function("count => heard.length >= count", arg=number, timeout=20_000)
    told = page.evaluate("heard")
    assert [event["updated"] for event in told] == [["/www/app.js"]] * 5, told
