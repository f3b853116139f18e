"""Loadable: a root file system as an image that `docker load` takes (OCI image specification, config.md).

`docker import` would do, but says that every image is of this machine's architecture.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def loadable(layer: Path, name: str, architecture: str) -> Iterator[IO[bytes]]:
    """The image `name` of one layer, a tar."""
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["python3"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tempfile.TemporaryFile() as image:
        with tarfile.open(fileobj=image, mode="w") as tar:
            tar.add(layer, "layer.tar")
            for place, content in (("config.json", config), ("manifest.json", json.dumps(manifest).encode())):
                entry = tarfile.TarInfo(place)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        image.seek(0)
        yield image
