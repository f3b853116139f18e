"""Field lines have one meaning."""

from __future__ import annotations

import pytest

from proxy.fields import (
    FAMILIAR,
    TOKEN,
    BadHead,
    check_beginning,
    check_octets,
    members,
    scan_field,
    write_section,
)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("Host: a", ("host", "Host", "a")),
        ("hOsT:a", ("host", "hOsT", "a")),
        ("X-Y:\t a b \t", ("x-y", "X-Y", "a b")),
        ("X:", ("x", "X", "")),
        ("X: \xa0", ("x", "X", "\xa0")),  # white space is SP and HTAB (RFC 9110 5.6.3)
        ("X: a: b", ("x", "X", "a: b")),
    ],
)
def test_a_field_is_read(line, read):
    assert scan_field(line) == read


@pytest.mark.parametrize(
    "line", ["", ":", ": a", "X", "Host", "X : a", "X\t: a", " X: a", "\tX: a", "X Y: a", "\xe9: a"]
)
def test_a_malformed_field_is_refused(line):
    with pytest.raises(BadHead):
        scan_field(line)


def test_familiar_names_are_names():
    assert all(TOKEN.issuperset(name) and lower == name.lower() for name, lower in FAMILIAR.items())


@pytest.mark.parametrize("section", [b"", b"a\r\nb", b"a\tb", b"\xff", b"\r\n\r\n"])
def test_good_octets_pass(section):
    check_octets(section)


@pytest.mark.parametrize("octet", [*range(9), *range(10, 32), 127])
def test_every_control_character_is_refused(octet):
    with pytest.raises(BadHead):
        check_octets(b"a" + bytes((octet,)) + b"b")


def test_half_a_line_end_may_come_last():
    check_beginning(b"a\r")
    with pytest.raises(BadHead):
        check_beginning(b"a\r\r")


@pytest.mark.parametrize(
    ("value", "read"),
    [("", ()), (",", ()), (" , ,", ()), ("a", ("a",)), ("A ,\tb", ("a", "b")), ("a b", ("a b",))],
)
def test_a_list_is_read(value, read):
    assert members(value) == read


def test_a_section_is_written():
    assert write_section("GET / HTTP/1.1", [("A", "\xe9")]) == b"GET / HTTP/1.1\r\nA: \xe9\r\n\r\n"
    assert write_section("", []) == b"\r\n"
    assert write_section("", [("A", "b")]) == b"A: b\r\n\r\n"


@pytest.mark.parametrize("start", ["GET /\r\nX: y", "GET /\nX", "GET /\0", "GET /\u20ac"])
def test_a_malformed_start_is_never_written(start):
    with pytest.raises(ValueError):
        write_section(start, [])
