"""`make image`: build the image, say how large it is, and keep it.

    python -m compose.image [BASE [ARCHITECTURE]]

BASE is an image that the engine has or can pull, or `debian`, which is made on
this machine, also for an ARCHITECTURE that is emulated (arm64).  Where no
engine answers, one is started for the build; then the image is written to
dist/, for `docker load`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import docker

from compose.image import debian
from compose.image.building import NAME, ROOT, BuildFailed, Workshop, workshop
from compose.image.emulation import NoEmulation, emulation
from tests.engine import NoEngineError

USUAL_BASE = "python:3.13-slim"


def main(base: str = USUAL_BASE, architecture: str = "") -> int:
    begun = time.monotonic()
    architecture = architecture or debian.machine()
    try:
        with emulation(architecture), workshop() as shop:
            if base == "debian":
                base = shop.debian_base(architecture, say)
            shop.build(base, say=say, architecture=architecture)
            say(f"{sizes(shop, base)}, in {time.monotonic() - begun:.0f} s")
            if shop.own:
                say(f"saved as {save(shop, architecture)}; docker load -i takes it")
    except (BuildFailed, NoEngineError, NoEmulation, debian.NoBase, docker.errors.DockerException) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


def sizes(shop: Workshop, base: str) -> str:
    with shop.client() as client:
        whole, below = (client.images.get(name).attrs["Size"] for name in (NAME, base))
    return f"{NAME} has {whole / 1e6:.0f} MB, {(whole - below) / 1e6:.0f} MB beyond {base}"


def save(shop: Workshop, architecture: str) -> Path:
    target = ROOT / "dist" / f"{NAME}-image-{architecture}.tar"
    target.parent.mkdir(exist_ok=True)
    with shop.client() as client, target.open("wb") as file:
        for piece in client.images.get(NAME).save(named=True):
            file.write(piece)
    return target.relative_to(ROOT)


def say(text: str) -> None:
    print(f"image: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
