"""`make image`: build the image, say how large it is, and keep it.

    python -m compose.image [BASE]

BASE is an image that the engine has or can pull, or `debian`, which is made on
this machine.  Where no engine answers, one is started for the build; then the
image is written to dist/, for `docker load`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import docker

from compose.image import debian
from compose.image.building import NAME, ROOT, BuildFailed, Workshop, workshop
from tests.engine import NoEngineError

USUAL_BASE = "python:3.13-slim"


def main(base: str) -> int:
    begun = time.monotonic()
    try:
        with workshop() as shop:
            if base == "debian":
                base = shop.debian_base(debian.machine())
            shop.build(base, say=print)
            print(f"image: {sizes(shop, base)}, in {time.monotonic() - begun:.0f} s")
            if shop.own:
                print(f"image: saved as {save(shop).relative_to(ROOT)}; docker load -i takes it")
    except (BuildFailed, NoEngineError, debian.NoBase, docker.errors.DockerException) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


def sizes(shop: Workshop, base: str) -> str:
    with shop.client() as client:
        whole, below = (client.images.get(name).attrs["Size"] for name in (NAME, base))
    return f"{NAME} has {whole / 1e6:.0f} MB, {(whole - below) / 1e6:.0f} MB beyond {base}"


def save(shop: Workshop) -> Path:
    target = ROOT / "dist" / f"{NAME}-image-{debian.machine()}.tar"
    target.parent.mkdir(exist_ok=True)
    with shop.client() as client, target.open("wb") as file:
        for piece in client.images.get(NAME).save(named=True):
            file.write(piece)
    return target


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else USUAL_BASE))
