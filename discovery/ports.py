"""Ports: which port of a container answers."""

from __future__ import annotations

from collections.abc import Sequence


def choose_port(exposed: Sequence[int], wanted: int | None) -> int | str:
    """Pick the port to send requests to, or say why there is no choice.

    A port named in a label wins, exposed or not: `EXPOSE` is only a hint and
    many images leave it out.  A container that exposes exactly one port needs
    no label.  Anything else would be a guess, and a wrong guess sends a site's
    visitors to its metrics or admin port.
    """
    if wanted is not None:
        return wanted
    match exposed:
        case [only]:
            return only
        case []:
            return "The image exposes no port."
        case several:
            return f"The image exposes {len(several)} ports: {', '.join(map(str, several))}."
