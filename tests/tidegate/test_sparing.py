"""What a library imports and nobody uses costs nothing, and works as ever when somebody uses it."""

import subprocess
import sys

from tests.program import ROOT

BEFORE = """
from tidegate.sparing import later
later("tarfile")
import docker
from docker.utils import build
"""


def in_an_interpreter_of_its_own(claims: str, before: str = BEFORE) -> None:
    """This one has everything loaded already."""
    done = subprocess.run(
        [sys.executable, "-c", before + claims], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_it_is_loaded_when_it_is_used_by_whoever_imported_it_before_or_after():
    in_an_interpreter_of_its_own("""
assert "TarFile" not in vars(build.tarfile)
import tarfile
assert "TarFile" not in vars(tarfile)
assert tarfile.TarFile.__name__ == "TarFile"
import tarfile
assert tarfile.TarFile is build.tarfile.TarFile
assert not hasattr(build.tarfile, "nothing")
""")


def test_the_library_uses_it_as_ever():
    in_an_interpreter_of_its_own("""
import io, tarfile
with build.create_archive("tests", ["__init__.py"]) as made:
    with tarfile.open(fileobj=io.BytesIO(made.read())) as tar:
        assert tar.getnames() == ["__init__.py"], tar.getnames()
""")


def test_what_is_loaded_already_stays_as_it_is():
    in_an_interpreter_of_its_own("""
import json, sys
later("json")
assert sys.modules["json"] is json and json.loads("1") == 1
""")


def test_what_is_said_to_be_unused_is_used_by_nobody_who_starts():
    in_an_interpreter_of_its_own(
        """
import sys
from tidegate.cli import COMMANDS
from tidegate.commands.line import build_parser
from tidegate.commands.serving import UNUSED
from tidegate.sparing import later
for name in UNUSED:
    later(name)
build_parser(COMMANDS).parse_known_args(["run"])
import docker, requests, structlog, tidegate.app
spared = ("bz2", "lzma", "difflib", "tokenize", *UNUSED)
used = [name for name in spared if "__file__" in vars(sys.modules[name])]
assert used == [], used
import bz2, lzma, mimetypes, shutil, uuid
assert bz2.decompress(bz2.compress(b"a")) == lzma.decompress(lzma.compress(b"a")) == b"a"
assert {"bztar", "xztar"} <= {name for name, _ in shutil.get_archive_formats()}
assert mimetypes.guess_type("a.html")[0] == "text/html" and uuid.uuid4().version == 4
assert "déjà.test".encode("idna") == b"xn--dj-kia8a.test"
""",
        before="",
    )
