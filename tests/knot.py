"""Knot: a real Knot DNS on loopback that stands where Nameserver's BIND stands, with the same zones and key.

It is authoritative and nothing else: a CNAME into another zone is left to whoever asked.
"""

from __future__ import annotations

from tests.nameserver import Nameserver

# The path of the socket in `rundir` may have 108 octets, and that of a test's folder can be as long.
CONFIG = """\
server:
    rundir: /proc/self/cwd
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: knotd.sock
database:
    storage: "{folder}"
log:
  - target: stderr
    any: info
key:
  - id: {key.name}
    algorithm: {key.algorithm}
    secret: {key.secret}
acl:
  - id: updates
    key: {key.name}
    action: update
    update-type: TXT
    update-owner: zone
    update-owner-match: sub-or-equal
template:
  - id: default
    storage: "{folder}"
    file: "%s.zone"
zone:
  - domain: .
    file: root.zone
{zones}"""
ZONE = """\
  - domain: {zone}.
    acl: updates
"""


class Knot(Nameserver):
    program = "knotd"

    def _config(self) -> str:
        zones = "".join(ZONE.format(zone=zone) for zone in self._zones)
        return CONFIG.format(folder=self._folder, port=self.port, key=self.key, zones=zones)

    def _options(self) -> tuple[str, ...]:
        return ("--config",)
