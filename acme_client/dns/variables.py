"""Variables: a provider's credentials, from the environment or from files that it names."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path


class MissingVariable(ValueError):
    """The message is for whoever starts Tidegate."""


class Variables:
    """`NAME`, or the content of the file that `NAME_FILE` names, as with Docker's secrets.

    Remembers what it handed out: that is what changes with the credentials, and
    what must not stand in any message.
    """

    def __init__(self, environ: Mapping[str, str], data: Path = Path()) -> None:
        """`data` is where a provider may keep what it is told."""
        self.data = data
        self._environ = environ
        self._read: dict[str, str] = {}

    def need(self, *names: str) -> str:
        """The first of these names that is set; MissingVariable where none is."""
        if value := self.get(*names):
            return value
        others = f" (or {', '.join(names[1:])})" if names[1:] else ""
        raise MissingVariable(f"Set the variable {names[0]}{others}, or {names[0]}_FILE to a file with it.")

    def get(self, *names: str, default: str = "") -> str:
        for name in names:
            if value := self._environ.get(name, "").strip() or self._from_file(f"{name}_FILE"):
                self._read[name] = value
                return value
        return default

    def below(self, prefix: str) -> dict[str, str]:
        """All variables that begin so, for a library that reads its own."""
        names = {name.removesuffix("_FILE") for name in self._environ if name.startswith(prefix)}
        return {name: value for name in sorted(names) if (value := self.get(name))}

    @property
    def fingerprint(self) -> str:
        """Changes with any value, and tells none of them."""
        parts = (f"{name}={value}" for name, value in sorted(self._read.items()))
        return sha256("\0".join(parts).encode()).hexdigest()[:16]

    def _from_file(self, name: str) -> str:
        path = self._environ.get(name, "")
        if not path:
            return ""
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise MissingVariable(
                f"The file {path} of the variable {name} cannot be read: {reason}."
            ) from None
