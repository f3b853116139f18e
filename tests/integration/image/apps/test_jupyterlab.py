"""JupyterLab: pages, an API, and a WebSocket for each kernel."""

from __future__ import annotations

import io
import json
import tarfile

from tests.integration.image.apps import MET

pytestmark = MET

CELL = """import os, time
for n in range(3):
    print("line", n, os.uname().nodename, flush=True)
    time.sleep(1)
"""


def notebook(*cells: str) -> bytes:
    """A notebook of code cells (nbformat 4.5)."""
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{n}",
                    "source": source,
                    "metadata": {},
                    "outputs": [],
                    "execution_count": None,
                }
                for n, source in enumerate(cells)
            ],
        }
    ).encode()


def archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_a_cell_of_a_notebook_runs_on_the_kernel_and_its_output_appears(serve, visit):
    site = serve("jupyterlab")
    site.app.put_archive("/work", archive("first.ipynb", notebook(CELL)))
    page = visit(site)
    channels: list[str] = []
    page.on("websocket", lambda channel: channels.append(channel.url))
    page.goto(f"{site.url}/lab/tree/first.ipynb?token=tidegate-token")
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    page.get_by_text("Python 3 (ipykernel) | Idle").or_(page.locator("[data-status=idle]")).first.wait_for()
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-OutputArea-output").first
    output.get_by_text("line 0").wait_for()
    output.get_by_text("line 2").wait_for()
    assert output.inner_text().split() == [
        word for n in range(3) for word in ("line", str(n), site.app.id[:12])
    ]
    assert any(url.startswith(f"wss://{site.host}/api/kernels/") for url in channels), channels
