from __future__ import annotations

import pytest

from proxy.expression import BadExpression, Function, parse_expression

WORDS = {
    "Number": Function(lambda context: context["number"]),
    "Sum": Function(lambda context, a, b: a + b, takes=2),
    "Is": Function(lambda context: context["is"], kind=bool),
    "Word": Function(lambda context: context["word"], kind=str),
}
CONTEXT = {"number": 0.5, "is": False, "word": "GET"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Number() > 0.4", True),
        ("Number() >= 0.5 && Number() <= 0.5", True),
        ("Number() < 0.5", False),
        ("Number() != 1", True),
        ("Sum(1, 2.5)==3.5", True),
        ("Is()", False),
        ("!Is()", True),
        ("Is() || Number() == 0.5", True),
        ("Number() == 0.5 || Is() && Is()", True),
        ("(Number() == 0.5 || Is()) && Is()", False),
        ('Word() == "GET"', True),
        ("Word() != `GET`", False),
        (" Is ( ) ", False),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    assert parse_expression(text, WORDS)(CONTEXT) is expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", 'There is no "" here. Known: Number, Sum, Is, Word.'),
        ("Nummer() > 1", 'There is no "Nummer" here'),
        ("Number()", "A value is compared"),
        ("Number() > x", "A number belongs behind"),
        ("Word() == 1", "A text belongs behind"),
        ("Is() == 1", "A number belongs behind"),
        ("Sum(1) > 1", "Sum takes 2 numbers"),
        ("Sum(1 2) > 1", "A , is missing"),
        ("Number(1) > 1", "Number takes no numbers"),
        ("(Is()", r"A \) is missing"),
        ("Is() Is()", "Write && or || before Is"),
        ("Number() > 1 @", "Nobody can read this from here: @"),
        ("(" * 50 + "Is()" + ")" * 50, "at most 32 parentheses"),
        ("Is() || " * 500 + "Is()", "at most 1000 characters"),
    ],
)
def test_a_mistake_is_said(text: str, what: str) -> None:
    with pytest.raises(BadExpression, match=what):
        parse_expression(text, WORDS)
