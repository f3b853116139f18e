"""Archive: files on their way into a container and out of it, in a tar, as the engine wants them."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path


def packed(*files: Path, under: str) -> bytes:
    """The files, each by its own name, in the folder `under`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for path in files:
            tar.add(path, f"{under}/{path.name}")
    return buffer.getvalue()


def unpack(pieces: Iterable[bytes], ending: str, folder: Path) -> Path:
    """The one file of this ending, copied into the folder; ValueError where there is none or several."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        [entry] = (entry for entry in tar if entry.name.endswith(ending))
        target = folder / Path(entry.name).name
        with target.open("wb") as file:
            shutil.copyfileobj(tar.extractfile(entry) or io.BytesIO(), file)
    return target
