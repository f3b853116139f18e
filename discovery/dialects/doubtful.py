"""Doubtful: values that are right as they stand, and that nobody means.

Each rule here fires on nothing that anybody would write on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

_ALONE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")

_ENDS = frozenset({
    "com", "org", "net", "info", "biz", "edu", "gov", "mil", "int", "de", "at", "ch", "eu", "uk", "fr",
    "nl", "be", "it", "pl", "se", "dk", "fi", "no", "cz", "sk", "hu", "ro", "pt", "gr", "ie", "jp",
    "cn", "kr", "au", "nz", "ru", "ua", "tr", "za", "mx", "co",
})  # fmt: skip
"""Ends of public names that are no names of machines; `tv`, `ca`, `gw` and their like may be."""
_OTHER_ENDS = frozenset({
    "io", "ai", "me", "tv", "app", "dev", "cloud", "xyz", "online", "site", "tech", "us", "ca", "es",
    "br", "in", "is", "to", "cc", "sh", "wiki", "blog", "shop", "lan", "local", "localdomain",
    "localhost", "home", "internal", "intranet", "corp", "private", "arpa", "test", "invalid", "box",
})  # fmt: skip
"""More words that a whole name may end with, so that what follows is another name."""


def network_meant(text: str) -> str | None:
    """The network that was meant by an address whose last octet is 0 and that has no length behind it."""
    address = text.strip()
    if _ALONE.fullmatch(address) and address.endswith(".0") and not address.startswith("0."):
        zeros = len(address) - len(re.sub(r"(\.0)+$", "", address))
        return f"{address}/{32 - 4 * zeros}"
    if address.endswith("::") and re.fullmatch(r"[0-9a-fA-F:]{3,}", address):
        return f"{address}/64"
    return None


def torn_hosts(hosts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Ends of names that stand alone behind a name without one, `blog.example, com`, and the name meant."""
    for before, host in pairwise(hosts):
        end = before.rpartition(".")[2]
        if host in _ENDS and "." in before and end not in _ENDS and end not in _OTHER_ENDS:
            yield host, f"{before}.{host}"
