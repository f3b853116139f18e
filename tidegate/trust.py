"""Trust: how to make a device trust the certificates of Tidegate's own authority."""

from __future__ import annotations

import ssl
from hashlib import sha256
from pathlib import Path
from shlex import quote

ROOT = Path("internal") / "root.pem"
"""Where the authority keeps its root, below the data directory."""
EVERY_NAME = Path("internal") / "any" / "root.pem"
"""The root behind certificates of public names, such as those of sites with `tls: internal`."""

HOW = """\
Tidegate's own authority signs the certificates of names that no public one can certify.

  root certificate: {path}
  SHA-256: {fingerprint}

A device that trusts this root shows no warning for them. Trust it only on your own devices: whoever holds its
key, which is in the same directory, could pass for any site there. Get the file onto the device first:

  tidegate trust --pem{where} > tidegate-root.pem
  docker exec CONTAINER tidegate trust --pem > tidegate-root.pem      (where Tidegate runs in a container)

Debian, Ubuntu    sudo cp tidegate-root.pem /usr/local/share/ca-certificates/tidegate-root.crt
                  sudo update-ca-certificates
Fedora, RHEL      sudo cp tidegate-root.pem /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust
Arch              sudo trust anchor tidegate-root.pem
macOS             sudo security add-trusted-cert -d -r trustRoot \\
                    -k /Library/Keychains/System.keychain tidegate-root.pem
Windows           certutil -addstore Root tidegate-root.pem      (as administrator)
Firefox           Settings > Privacy & Security > Certificates > View Certificates > Authorities > Import,
                  then tick "Trust this CA to identify websites"
Chrome on Linux   Settings > Privacy and security > Security > Manage certificates > Authorities > Import
Android           Settings > Security > Encryption & credentials > Install a certificate > CA certificate
iPhone, iPad      open the file and install the profile in Settings, then switch it on under
                  General > About > Certificate Trust Settings
One command       curl --cacert tidegate-root.pem https://NAME/

Compare the SHA-256 fingerprint that the device shows with the one above.
"""
FURTHER = """
Public names that this authority certifies (tidegate.tls=internal) have a root of their own, which could vouch
for any site of the world. Where you need it: tidegate trust --every-name{where}
"""


class NoRoot(Exception):
    """The root certificate cannot be shown; the text says why."""


def read_root(data: Path, root: Path = ROOT) -> str:
    path = data / root
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise NoRoot(
            f"There is no root certificate at {path} yet: it is made when Tidegate first runs.\n"
            "If it runs with another data directory, say so here as well: --data DIR."
        ) from None
    except (OSError, ValueError) as error:
        raise NoRoot(f"The root certificate {path} cannot be read: {error}") from None


def how_to_trust(data: Path, named: bool = False, root: Path = ROOT) -> str:
    """`named`: the directory had to be said, so the commands say it too."""
    where = f" --data {quote(str(data))}" if named else ""
    other = root == ROOT and (data / EVERY_NAME).exists() and not same(data)
    spelled = where if root == ROOT else f" --every-name{where}"
    told = HOW.replace(
        "tidegate trust --pem >", f"tidegate trust --pem{'' if root == ROOT else ' --every-name'} >"
    )
    text = told.format(
        path=data / root, fingerprint=fingerprint(read_root(data, root), data / root), where=spelled
    )
    return text + FURTHER.format(where=where) if other else text


def same(data: Path) -> bool:
    """Whether one root signs everything, as where no other authority is asked."""
    return read_root(data) == read_root(data, EVERY_NAME)


def fingerprint(pem: str, path: Path) -> str:
    try:
        digest = sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    except ValueError as error:
        raise NoRoot(f"{path} holds no certificate: {error}") from None
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
