import io
import os
import threading
import time

from tidegate.log_lines import LogLines


class Gate(io.BytesIO):
    """A reader that takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.reached = threading.Event()

    def write(self, data) -> int:
        self.reached.set()
        assert self.opened.wait(10)
        return super().write(data)


def test_lines_come_out_whole_and_in_order():
    stream = io.BytesIO()
    lines = LogLines(stream)
    for number in range(1000):
        lines.write(f"line {number}")
    lines.close()
    assert stream.getvalue().decode().splitlines() == [f"line {number}" for number in range(1000)]


def test_a_line_is_written_without_waiting_for_another():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as seen, os.fdopen(writer, "wb") as stream:
        lines = LogLines(stream)
        lines.write("first")
        assert seen.readline() == b"first\n"  # the test's own time limit is the deadline
        lines.close()


def test_a_reader_that_does_not_read_stops_nobody_and_is_told_what_it_missed():
    gate = Gate()
    lines = LogLines(gate, lambda lost: f"{lost} lost", most=100)
    lines.write("held")
    assert gate.reached.wait(5)
    for _ in range(50):
        lines.write("123456789")  # ten characters with its end: ten fit
    gate.opened.set()
    lines.close()
    assert gate.getvalue().decode().splitlines() == ["held", *["123456789"] * 10, "40 lost"]


def test_closing_waits_only_so_long_for_a_reader_that_has_stopped():
    gate = Gate()
    lines = LogLines(gate)
    lines.write("held")
    assert gate.reached.wait(5)
    started = time.monotonic()
    lines.close(within=0.05)
    lines.write("too late")
    assert time.monotonic() - started < 5
    gate.opened.set()


def test_last_words_after_closing_are_written_at_once():
    stream = io.BytesIO()
    lines = LogLines(stream)
    lines.close()
    lines.write("bye")
    assert stream.getvalue() == b"bye\n"


def test_a_reader_that_has_gone_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as stream:
        lines = LogLines(stream)
        lines.write("nobody hears this")
        lines.close()
        lines.write("nor this")


def test_bytes_that_are_no_text_do_not_stop_the_log():
    stream = io.BytesIO()
    lines = LogLines(stream)
    lines.write("caf\udce9")
    lines.close()
    assert stream.getvalue() == b"caf\\udce9\n"
