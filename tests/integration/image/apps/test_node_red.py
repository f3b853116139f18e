"""Node-RED: an editor that is nothing without its WebSocket, and flows that answer over HTTP."""

from __future__ import annotations

import json
import re

from tests.integration.image.apps import MET
from tests.integration.image.town import in_time

pytestmark = MET

FLOW = [
    {"id": "a1", "type": "tab", "label": "Met"},
    {"id": "b1", "z": "a1", "type": "http in", "name": "", "url": "/hello", "method": "get",
     "x": 120, "y": 100, "wires": [["c1", "d1"]]},
    {"id": "c1", "z": "a1", "type": "function", "name": "", "outputs": 1,
     "func": "msg.payload = 'hello ' + msg.req.headers.host; return msg;",
     "x": 300, "y": 100, "wires": [["e1"]]},
    {"id": "d1", "z": "a1", "type": "debug", "name": "", "active": True, "tosidebar": True,
     "complete": "req.query.word", "targetType": "msg", "x": 300, "y": 160, "wires": []},
    {"id": "e1", "z": "a1", "type": "http response", "name": "", "x": 480, "y": 100, "wires": []},
]  # fmt: skip


def test_the_editor_connects_and_deploys_a_flow_that_answers_and_tells_the_editor(serve, visit):
    site = serve("node-red")
    page = visit(site)
    channels: list[str] = []
    page.on("websocket", lambda channel: channels.append(channel.url))
    page.goto(site.url)
    page.locator("#red-ui-header-button-deploy").wait_for()
    import_flow(page)
    page.locator("#red-ui-header-button-deploy").click()
    page.get_by_text("Successfully deployed").wait_for()
    assert f"wss://{site.host}/comms" in channels

    in_time(lambda: asked(site, page, "/hello?word=tideline") == "hello node-red.test")
    page.locator(".red-ui-debug-msg-payload", has_text=re.compile("tideline")).first.wait_for()


def import_flow(page) -> None:
    """By the editor's own dialogue, as one pastes what somebody else has made."""
    page.evaluate("RED.actions.invoke('core:show-import-dialog')")
    text = page.locator("#red-ui-clipboard-dialog-import-text")
    text.fill(json.dumps(FLOW))
    text.press("End")  # it reads what is there when a key goes up
    page.locator("#red-ui-clipboard-dialog-ok").click()


def asked(site, page, path: str) -> str:
    return str(page.evaluate("path => fetch(path).then(answer => answer.text())", path))
