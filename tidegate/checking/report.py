"""Report: findings for a terminal, for a program, for GitHub's annotations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from tidegate.checking.finding import Checked, Finding
from tidegate.printable import printable
from tidegate.words import count_text

FORMATS = ("text", "json", "github")


def report(checked: Checked, form: str) -> Iterator[str]:
    match form:
        case "json":
            yield json.dumps(as_json(checked), indent=2)
        case "github":
            yield from map(annotation, checked.findings)
        case _:
            yield from text(checked)


def text(checked: Checked) -> Iterator[str]:
    last = {finding.consequence: finding for finding in checked.findings}
    for finding in checked.findings:
        place = finding.place
        where = f"{place.file}:{place.line}:{place.column}: {finding.severity}"
        yield printable(f"{where}: {finding.subject}" if finding.subject else where)
        # What several mistakes have for a consequence is said behind the last of them.
        again = "not served" in finding.consequence and last[finding.consequence] is not finding
        shown = replace(finding, consequence="") if again else finding
        yield from (f"  {printable(line)}" for line in shown.lines)
        yield ""
    yield from map(printable, sorted(checked.sites))
    yield summary(checked)


def summary(checked: Checked) -> str:
    counts = {
        severity: sum(each.severity == severity for each in checked.findings)
        for severity in ("error", "warning", "notice")
    }
    said = ", ".join(count_text(count, severity) for severity, count in counts.items() if count)
    told = f"{count_text(len(checked.files), 'file')}: {said or 'nothing is wrong'}"
    if checked.sites or checked.errors or not checked.could_serve:
        return told
    return f"{told}, and no site is in {'it' if len(checked.files) == 1 else 'them'}"


def as_json(checked: Checked) -> dict[str, object]:
    return {
        "files": checked.files,
        "errors": checked.errors,
        "sites": sorted(checked.sites),
        "findings": [
            {
                "file": each.place.file,
                "line": each.place.line,
                "column": each.place.column,
                "severity": each.severity,
                "subject": each.subject,
                "what": each.what,
                "consequence": each.consequence,
                "sketch": each.sketch,
            }
            for each in checked.findings
        ],
    }


def annotation(finding: Finding) -> str:
    """A workflow command; what it holds is escaped as GitHub wants it."""
    place = finding.place
    properties = {
        "file": place.file,
        "line": str(place.line),
        "col": str(place.column),
        "title": finding.subject.partition("=")[0],
    }
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{finding.severity} {told}::{_data(chr(10).join(map(printable, finding.lines)))}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(printable(value)).replace(":", "%3A").replace(",", "%2C")
