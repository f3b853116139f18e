"""Audited: what a report of pip-audit comes to (its JSON format on standard input).

A package that could not be asked about is left out of its count of faults, and its exit status says
nothing of that: with a database that is away it finds "no known vulnerabilities".
"""

from __future__ import annotations

import json
import sys
from typing import Any

CLEAN, FAULTY, UNKNOWN = 0, 4, 3
"""Exit statuses.  A fault has none that a crash has, too: Python's is 1, a shell's often 2."""


def read(text: str) -> tuple[int, list[str]]:
    """The exit status, and the lines to say; what is no report is no all-clear."""
    try:
        return verdict(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return UNKNOWN, [f"audit: no answer: pip-audit wrote no report ({type(error).__name__}: {error})"]


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """The same of a report; what a report has not is a KeyError."""
    packages = report["dependencies"]
    unknown = [each for each in packages if "skip_reason" in each]
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}, mended in {' or '.join(fault['fix_versions'])}"
        for each in packages
        for fault in each.get("vulns", ())
    ]
    if unknown or not packages:
        reason = f" ({unknown[0]['skip_reason']})" if unknown else ""
        counted = f"{len(unknown)} of {len(packages)} packages"
        faults.append(f"audit: no answer for {counted}, so this is no all-clear{reason}")
        return (FAULTY if len(faults) > 1 else UNKNOWN), faults
    return (
        (FAULTY, faults)
        if faults
        else (CLEAN, [f"audit: none of {len(packages)} packages has a known fault"])
    )


if __name__ == "__main__":
    status, lines = read(sys.stdin.read())
    print("\n".join(lines), file=sys.stderr if status else sys.stdout)
    sys.exit(status)
