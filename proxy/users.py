"""Users: who may sign in, from options and from a file; a line has a name, a colon and what proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from proxy.surroundings import Surroundings, Unusable

Users: TypeAlias = Mapping[str, str]
REREAD = 5.0
"""Seconds until a changed file counts."""
LARGEST_FILE = 1 << 20


def read_lines(lines: Iterable[str], read: Callable[[str], tuple[str, str]]) -> Users:
    """Users by name; comments and empty lines are skipped."""
    stripped = (line.strip() for line in lines)
    return dict(read(line) for line in stripped if line and not line.startswith("#"))


@dataclass(slots=True)
class UserList:
    """The users of a middleware that has begun.  Those of the options win over those of the file."""

    own: Users = field(repr=False)
    file: str
    read: Callable[[str], tuple[str, str]]
    around: Surroundings
    _users: Users | None = field(default=None, repr=False)
    _until: float = 0.0

    def at_hand(self) -> Users | None:
        """The users, None where the file has to be read first."""
        if not self.file:
            return self.own
        return self._users if self.around.now() < self._until else None

    async def now(self) -> Users:
        users = self.at_hand()
        if users is None:
            users = self._users = await self.around.aside(self._from_file)
            self._until = self.around.now() + REREAD
        return users

    def _from_file(self) -> Users:
        try:
            if not Path(self.file).is_file():  # a pipe would be waited for, for ever
                raise FileNotFoundError
            with Path(self.file).open(encoding="utf-8") as file:
                text = file.read(LARGEST_FILE)
            return {**read_lines(text.splitlines(), self.read), **self.own}
        except (OSError, UnicodeDecodeError):
            raise Unusable("the users file cannot be read") from None
        except ValueError:
            raise Unusable("the users file has a line that is no user") from None
