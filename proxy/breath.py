"""Breath: where a long loop of compiled code lets other threads run.

The interpreter looks at each call of an interpreted function whether another
thread wants its lock.  Compiled code that calls nothing else never looks: the
index of ten thousand routers held the loop for 60 ms (measured).  So this
module stays uncompiled, and such loops call it for each of their entries.
"""

from __future__ import annotations


def breathe() -> None:
    """Does nothing, which takes 50 ns."""
