"""`python -m tidegate` is the command `tidegate`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"] and len(sys.argv) == 3 and sys.argv[2].isdecimal():
        # Not for people: how a running Tidegate starts its workers, each with its end of a channel.
        from tidegate.workers.worker import main as work

        sys.exit(work(int(sys.argv[2])))
    from tidegate.cli import main

    sys.exit(main())
