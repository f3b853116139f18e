"""Which port answers: a table."""

from __future__ import annotations

import pytest

from discovery.ports import choose_port


@pytest.mark.parametrize(
    ("exposed", "wanted", "chosen"),
    [
        ([80], None, 80),
        ([80, 9090], 9090, 9090),
        ([], 3000, 3000),  # many images do not EXPOSE anything
        ([80], 3000, 3000),  # EXPOSE is a hint, the label is an order
        ([], None, "The image exposes no port."),
        ([80, 443], None, "The image exposes 2 ports: 80, 443."),
    ],
)
def test_choose_port(exposed: list[int], wanted: int | None, chosen: int | str) -> None:
    assert choose_port(exposed, wanted) == chosen
