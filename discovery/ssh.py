"""SSH: an engine on another machine, reached as the docker command reaches it.

`docker system dial-stdio` on the other side joins its standard input and
output to the engine's socket.  Here a private unix socket is offered, and each
connection to it becomes one `ssh` process, whose standard input and output
that connection is.  The user's own ssh configuration, keys and agent count.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

NEVER_ASK = ("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15")


def ssh_command(url: str) -> list[str]:
    """What to run for a connection to the engine at ssh://user@host:port."""
    parts = urlsplit(url)
    port = ["-p", str(parts.port)] if parts.port else []
    user = ["-l", parts.username] if parts.username else []
    return ["ssh", *NEVER_ASK, *port, *user, "--", parts.hostname or "", "docker", "system", "dial-stdio"]


@dataclass(slots=True)
class Tunnel:
    """A local socket behind which the engine at `url` answers."""

    url: str
    environ: Mapping[str, str]
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="tidegate-ssh-")))
    listener: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_UNIX))

    @property
    def local(self) -> str:
        return f"unix://{self.directory}/engine.sock"

    def open(self) -> None:
        self.listener.bind(f"{self.directory}/engine.sock")
        self.listener.listen()
        threading.Thread(target=self._serve, name="docker-ssh", daemon=True).start()

    def close(self) -> None:
        self.listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def last_words(self) -> str:
        """What ssh said last: it explains why the engine does not answer."""
        try:
            lines = (self.directory / "said").read_text(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # closed
            with connection:
                self._join(connection)

    def _join(self, connection: socket.socket) -> None:
        said = self.directory / "said"
        try:
            with said.open("wb") as complaints:
                process = subprocess.Popen(  # noqa: S603 - the words come from the installation's own settings
                    ssh_command(self.url),
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=complaints,
                    env=dict(self.environ),
                    start_new_session=True,
                )
        except OSError as error:
            said.write_text(f"ssh cannot be run: {error}")
            return
        threading.Thread(target=process.wait, name="docker-ssh-end", daemon=True).start()
