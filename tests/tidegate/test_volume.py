import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from tidegate.addresses import OFF, Address
from tidegate.app import App
from tidegate.certs.text import list_text
from tidegate.logs import Outlet
from tidegate.settings import Settings
from tidegate.status import as_json
from tidegate.tables import status_text
from tidegate.volume import not_kept, unkept

ROOT = "1 0 0:45 / / rw,relatime - overlay overlay rw,lowerdir=/var\n2 1 0:48 / /proc rw - proc proc rw\n"
VOLUME = "9 1 8:1 /var/lib/docker/volumes/x/_data /data rw,relatime - ext4 /dev/sda1 rw\n"
BIND = "9 1 8:1 /srv/my\\040data /srv/my\\040data rw - btrfs /dev/sda1 rw\n"
MEMORY = "9 1 0:50 / /data rw - tmpfs tmpfs rw\n"


@pytest.mark.parametrize(
    ("data", "mounts", "kept"),
    [
        ("/data", ROOT + VOLUME, True),
        ("/data/below/it", ROOT + VOLUME, True),
        ("/srv/my data", ROOT + BIND, True),
        ("/data", ROOT, False),
        ("/database", ROOT + VOLUME, False),
        ("/data", ROOT + MEMORY, False),
        ("/data", ROOT + VOLUME + MEMORY, False),
        ("/data", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", False),  # a container's root on a plain disk
        ("/data", "", True),  # nothing is known: nothing is refused
        ("/data", "nonsense\n- - -\n", True),
    ],
)
def test_what_goes_with_the_container_is_told_with_the_lines_that_help(data, mounts, kept):
    found = not_kept(Path(data), in_container=True, mounts=mounts)
    if kept:
        assert found is None
        return
    assert found is not None
    advice = (f'volumes: ["tidegate-data:{data}"]', f"-v tidegate-data:{data}\n", "--data DIRECTORY")
    assert all(each in found.problem.what for each in advice)
    assert found.problem.where.startswith(f"{data} goes with this container, so ")
    assert max(map(len, (*str(found.problem).split("\n"), found.reference))) < 120


def test_outside_of_a_container_everything_is_kept():
    assert not_kept(Path("/data"), in_container=False, mounts=ROOT) is None


@pytest.fixture
def app(tmp_path, request) -> App:
    """Its data directory goes with its container."""
    settings = Settings(web=Address("127.0.0.1", 0), docker=OFF, data=tmp_path)
    settings = replace(settings, **getattr(request, "param", {}))
    return App(settings, Outlet(lambda record: None, print, console=True), unkept(tmp_path))


@asynccontextmanager
async def certifying(app: App):
    """Two certificates are wanted; what is logged of it."""
    app.certificates.want(["a.example.com", "b.example.com"])
    with structlog.testing.capture_logs() as logs:
        running = asyncio.ensure_future(app.certificates.run())  # noqa: TID251 - it is cancelled here
        async with asyncio.timeout(10):
            while len(app.served) < 2:
                await asyncio.sleep(0.01)
        try:
            yield logs
        finally:
            running.cancel()


async def test_it_is_one_problem_to_which_the_certificates_refer(app, tmp_path):
    async with certifying(app) as logs:
        [problem] = app.shown.status().problems
        routes = status_text(as_json(app.shown.status()))
        certs = list_text(as_json(await app.desk.list()))
        seen = app.shown.certificate_for("a.example.com")
    assert [line["problem"] for line in logs if line["log_level"] == "error"] == [problem]
    assert ", 1 problem\n" in routes
    for text in (routes, certs):
        assert [text.count(each) for each in problem.what.split("\n")] == [1] * 5
        assert text.count(f"{tmp_path} goes with this container, so no certificate is ordered: see") == 2
    assert seen
    assert seen.note.endswith("see the problems in tidegate routes.")


@pytest.mark.parametrize("app", [{"acme_ca": OFF}], indirect=True)
async def test_it_is_none_where_nothing_is_ordered_that_is_counted(app):
    async with certifying(app) as logs:
        assert app.shown.status().problems == ()
        assert (await app.desk.list()).problems == ()
    assert [line for line in logs if line["log_level"] == "error"] == []
