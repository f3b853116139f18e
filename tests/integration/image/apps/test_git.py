"""git-http-backend: a repository of 50 MB is pushed and cloned, with a length announced and in chunks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.image.apps import MET
from tests.integration.image.apps.site import Site

pytestmark = MET

FILES, EACH = 50, 1 << 20


class Git:
    """The program, without its owner's settings, trusting the site's authority."""

    def __init__(self, site: Site, folder: Path, *settings: str) -> None:
        self.site, self.trace = site, folder / "trace"
        values = (
            f"http.curloptResolve={site.host}:443:{site.address}",
            "user.name=Met",
            "user.email=met@git.test",
        )
        self.settings = [word for value in (*values, *settings) for word in ("-c", value)]
        self.environment = os.environ | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_SSL_CAINFO": str(site.root),
            "GIT_TRACE_CURL": str(self.trace),
            "GIT_TRACE_CURL_NO_DATA": "1",
            "HOME": str(folder),
        }

    def __call__(self, *words: str, at: Path) -> str:
        done = subprocess.run(
            ["git", *self.settings, *words],
            cwd=at,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"git {words}: {done.stderr}\n{self.site.log()[-2000:]}"
        return done.stdout.strip()


@pytest.mark.parametrize(
    ("buffer", "framing"),
    [(str(1 << 16), "Transfer-Encoding: chunked"), (str(1 << 27), "Content-Length: ")],
    ids=["chunked", "length"],
)
def test_fifty_megabytes_are_pushed_and_cloned_and_fetched_again(serve, tmp_path, buffer, framing):
    site = serve("git")
    git = Git(site, tmp_path, f"http.postBuffer={buffer}", "http.version=HTTP/1.1", "protocol.version=2")
    work, copy = tmp_path / "work", tmp_path / "copy"
    git("init", "--quiet", "--initial-branch=main", str(work), at=tmp_path)
    for number in range(FILES):
        (work / f"file-{number}").write_bytes(os.urandom(EACH))
    git("add", ".", at=work)
    git("commit", "--quiet", "--message=Fifty", at=work)
    url = f"{site.url}/git/site.git"
    git("push", "--quiet", url, "main", at=work)
    sent = git.trace.read_text()
    assert framing.lower() in sent[sent.index("POST /git/site.git/git-receive-pack") :].lower()

    git("clone", "--quiet", "--branch=main", url, str(copy), at=tmp_path)
    git("fsck", "--strict", at=copy)
    assert git("rev-parse", "HEAD^{tree}", at=copy) == git("rev-parse", "HEAD^{tree}", at=work)

    (copy / "one-more").write_text("from the clone")
    git("add", ".", at=copy)
    git("commit", "--quiet", "--message=One more", at=copy)
    git("push", "--quiet", "origin", "main", at=copy)
    git("pull", "--quiet", "--ff-only", url, "main", at=work)
    assert (work / "one-more").read_text() == "from the clone"
