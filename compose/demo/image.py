"""The demo's image, FROM scratch: this machine's own Python, its libraries and one file.

Needs no registry.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

UNNEEDED = re.compile(
    r"/(site-packages|dist-packages|test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|config-[^/]*)(/|$)|\.opt-[12]\.pyc$"
)
"""Not so compiled modules: without them an app of a few lines takes a second of the processor to start."""

DOCKERFILE = """FROM scratch
COPY root /
ENV PYTHONHOME={home} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
ENTRYPOINT ["{python}", "/app.py"]
"""


def shared_libraries(*binaries: Path) -> set[Path]:
    """Every library that the dynamic loader maps for these binaries, the loader included."""
    listing = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False).stdout
    return {Path(found) for found in re.findall(r"(/[^\s:]+\.so[^\s:]*)", listing) if Path(found).exists()}


def python_files() -> Iterator[Path]:
    """The interpreter, its standard library and what they load."""
    interpreter = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    files = [path for path in library.rglob("*") if path.is_file() and not UNNEEDED.search(str(path))]
    yield interpreter
    yield from files
    yield from shared_libraries(interpreter.resolve(), *(path for path in files if path.suffix == ".so"))


def build_context(app: Path) -> bytes:
    """A tar with a Dockerfile, the root file system and the app; links are followed."""
    packed = io.BytesIO()
    interpreter = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    dockerfile = DOCKERFILE.format(home=sys.base_prefix, python=interpreter).encode()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
        tar.add(app, "root/app.py")
        for path in sorted(set(python_files())):
            tar.add(path, f"root{path}")
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile))
    return packed.getvalue()
