"""Rule words: what a rule says beside its hosts, for lists where the hosts stand already."""

from __future__ import annotations

import re

_HOST = r"Host\(\s*[`\"][^`\"]+[`\"]\s*\)"
_HOSTS = rf"(?:{_HOST}(?:\s*\|\|\s*{_HOST})*)"
_ONE = rf"(?:{_HOST}|\(\s*{_HOSTS}\s*\))"
_PATH = r"Path(?:Prefix)?\(\s*[`\"](/[^`\"]*)[`\"]\s*\)"
HOSTS_ONLY = re.compile(_HOSTS)
WITH_PATH = re.compile(rf"{_ONE}\s*&&\s*{_PATH}|{_PATH}\s*&&\s*{_ONE}")


def beside_hosts(rule: str) -> tuple[str, str]:
    """The one path below which the rule's hosts are served, and the rule when that is not all of it."""
    text = rule.strip()
    if HOSTS_ONLY.fullmatch(text):
        return "", ""
    if found := WITH_PATH.fullmatch(text):
        return found[1] or found[2], ""
    return "", text
