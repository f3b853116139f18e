"""WsgiDAV: files of any size go through, and Tidegate holds none of them."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.image.apps import MET
from tests.integration.image.apps.site import Site

pytestmark = MET

SIZE = 2 * 1024**3
GROWTH = 32 * 1024
"""KiB that Tidegate may hold more while two gigabytes pass."""


def test_two_gigabytes_go_up_and_down_unchanged_and_tidegate_stays_small(serve, tmp_path):
    site = serve("webdav")
    curl(site, "/warm", "--upload-file", "/etc/hostname")  # what serving needs at all is there from now on
    sent, got = tmp_path / "sent", tmp_path / "got"
    fingerprint = fill(sent)
    with peak(site) as most:
        curl(site, "/large", "--upload-file", str(sent))
        curl(site, "/large", "--output", str(got))
    assert digest(got) == fingerprint
    stored = site.app.exec_run(["sha256sum", "/srv/dav/large"]).output.decode().split()[0]
    assert stored == fingerprint
    print(f"memory in KiB: {most[0]} before, {max(most)} at most")
    assert max(most) - most[0] < GROWTH
    sent.unlink()
    got.unlink()


def test_a_part_of_a_file_is_given_and_a_folder_is_listed_moved_and_removed(serve, tmp_path):
    site = serve("webdav")
    (tmp_path / "text").write_bytes(b"0123456789" * 1000)
    curl(site, "/docs/", "--request", "MKCOL")
    curl(site, "/docs/a", "--upload-file", str(tmp_path / "text"))
    assert curl(site, "/docs/a", "--range", "9995-") == "56789"
    listed = curl(site, "/docs/", "--request", "PROPFIND", "--header", "Depth: 1")
    assert "/docs/a" in listed
    # A Destination is an absolute URL (RFC 4918 10.3), which the app compares with what it takes for its own.
    curl(site, "/docs/a", "--request", "MOVE", "--header", f"Destination: {site.url}/docs/b")
    assert curl(site, "/docs/b", "--range", "0-3") == "0123"
    curl(site, "/docs/", "--request", "DELETE")
    assert site.app.exec_run(["test", "-e", "/srv/dav/docs"]).exit_code == 1


def curl(site: Site, path: str, *options: str) -> str:
    """What was answered; a status of 400 or more fails."""
    found = ("--cacert", str(site.root), "--resolve", f"{site.host}:443:{site.address}")
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", *found, *options, site.url + path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + site.log()[-2000:]
    return done.stdout


def fill(path: Path) -> str:
    """Write SIZE bytes that nothing compresses; their SHA-256."""
    with Path("/dev/urandom").open("rb") as noise:
        piece = noise.read(1 << 24)
    with path.open("wb") as file:
        for number in range(SIZE // len(piece)):
            file.write(number.to_bytes(8) + piece[8:])
    return digest(path)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def peak(site: Site) -> Iterator[list[int]]:
    """Looks at its memory, ten a second, the first one from before."""
    looks = [site.memory()]
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            looks.append(site.memory())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield looks
    finally:
        over.set()
        looking.join()
