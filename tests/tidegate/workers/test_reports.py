"""What a worker says is one of a few values, or it is refused: no bytes of its do anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.workers.reports import (
    LARGEST,
    LONGEST,
    Alive,
    NotAReport,
    Ready,
    Refused,
    Shown,
    Tried,
    line_of,
    read_report,
)

REPORTS = [
    Ready(),
    Alive(7),
    Shown(3),
    Tried("4f5e", "http://172.18.0.3:80", "connection refused"),
    Tried("4f5e", "http://172.18.0.3:80", ""),
    Refused("blog.test", "no start line"),
]


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_comes_as_it_was_sent(report):
    assert read_report(line_of(report)) == report


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"null",
        b"[]",
        b'"Ready"',
        b"{}",
        b'{"report": 1}',
        b'{"report": ["Ready"]}',
        b'{"report": "NotAReport"}',
        b'{"report": "__class__"}',
        b'{"report": "Ready", "more": 1}',
        b'{"report": "Alive"}',
        b'{"report": "Alive", "connections": true}',
        b'{"report": "Alive", "connections": -1}',
        b'{"report": "Alive", "connections": 1.0}',
        b'{"report": "Alive", "connections": NaN}',
        b'{"report": "Alive", "connections": %d}' % LARGEST,
        b'{"report": "Alive", "connections": ' + b"9" * 4000 + b"}",
        b'{"report": "Shown", "serial": "3"}',
        b'{"report": "Tried", "owner": "a", "url": "b", "failure": "because"}',
        b'{"report": "Refused", "host": "a\\nb", "reason": ""}',
        b'{"report": "Refused", "host": "\\ud800", "reason": ""}',
        b'{"report": "Refused", "host": "\\u001b[31m", "reason": ""}',
        b"[" * LONGEST,
        b'{"a":' * 800,
        b"\xff\xfe",
        b" " * LONGEST + b'{"report": "Ready"}',
    ],
)
def test_anything_else_is_refused(said):
    with pytest.raises(NotAReport):
        read_report(said)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["report", "connections", "serial", "owner", "url", "failure", "host", "reason"])
kinds = st.sampled_from(["Ready", "Alive", "Shown", "Tried", "Refused"])
near_misses = st.builds(
    lambda kind, rest: json.dumps({**rest, "report": kind}).encode(), kinds, st.dictionaries(names, anything)
)


@given(st.binary(max_size=2 * LONGEST) | near_misses | anything.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_raise_anything_but_the_refusal(line):
    try:
        report = read_report(line)
    except NotAReport:
        return
    assert read_report(line_of(report)) == report
