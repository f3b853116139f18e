"""Guided: one target under atheris, which watches what the readers' code does with each input.

    python -m tests.fuzz.guided TARGET SECONDS FOLDER

Ends by itself; the tally is in FOLDER/TARGET.json, inputs that reached something new in FOLDER/TARGET/.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["proxy"]):
    import proxy.fields
    import proxy.framing
    import proxy.head
    import proxy.headers
    import proxy.ordinary  # noqa: F401

from tests.fuzz.tally import Tally
from tests.fuzz.targets import TARGETS, WORDS


def spelled(word: str) -> str:
    """A word as libFuzzer's dictionaries have it."""
    return '"' + "".join(f"\\x{octet:02x}" for octet in word.encode("latin-1")) + '"'


def main() -> None:
    name, seconds, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    kept, seeds = folder / name, folder / f"{name}-seeds"
    for each in (kept, seeds):
        each.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (seeds / f"{number:04}").write_bytes(seed)
    dictionary = folder / "words"
    dictionary.write_text("\n".join(map(spelled, WORDS)) + "\n")
    tally = Tally(name)

    def take(data: bytes) -> None:
        tally.take(data)
        if tally.tried % 1000 == 0:
            tally.write(folder / f"{name}.json")  # libFuzzer ends the process without a last word

    limits = [f"-max_total_time={seconds:.0f}", "-max_len=2048", "-rss_limit_mb=600", "-print_final_stats=0"]
    atheris.Setup(["fuzz", str(kept), str(seeds), f"-dict={dictionary}", "-verbosity=0", *limits], take)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
