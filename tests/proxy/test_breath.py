"""Whoever makes a table in a thread leaves the loop its turns, compiled or not."""

import gc
import sys
import threading
import time
from itertools import pairwise

from proxy import breath
from proxy.model import Entrypoint, Router, RoutingConfig
from proxy.table import compile_table
from tests.program import ROOT

ROUTERS = 10_000
LONGEST = 0.035
"""Seconds of work between two turns of another thread; 0.06 before this was minded (compiled)."""


def test_what_lets_others_run_is_interpreted():
    assert '"breath"' not in (ROOT / "setup.py").read_text()
    assert breath.__file__.endswith(".py")


def test_others_get_their_turns_while_a_large_table_is_made():
    routers = {f"r{n}": Router(f"r{n}", f"Host(`a{n}.test`)", "s") for n in range(ROUTERS)}
    entrypoints = [Entrypoint("web"), Entrypoint("websecure", tls=True)]
    turns, done = [], threading.Event()

    def take_turns():
        while not done.is_set():
            turns.append(time.process_time())
            time.sleep(0.001)

    before = sys.getswitchinterval()
    sys.setswitchinterval(0.001)  # as it is while tables are made, and without the collector
    gc.disable()
    other = threading.Thread(target=take_turns)
    other.start()
    try:
        compile_table(RoutingConfig(routers), entrypoints)
    finally:
        done.set()
        other.join()
        gc.enable()
        sys.setswitchinterval(before)
    # Work of this process, not time: what it waited for a core is nobody's fault.
    assert max(later - sooner for sooner, later in pairwise(turns)) < LONGEST
