"""Exported: a pair in another program's directory, whose two files change in one step.

    fullchain.pem -> .current/fullchain.pem
    privkey.pem   -> .current/privkey.pem
    .current      -> .pair-4f1c09be      the rename of this link is the change

The pair before is kept until the next change, for who has opened one file of it.
Where the file system has no links, the key is replaced and then the chain.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from acme_client.certificate import Certificate
from acme_client.disk import MISSING, make_folder, replace_file, replace_link, sync_folder, write_file

CHAIN, KEY = "fullchain.pem", "privkey.pem"
"""certbot's names, which other programs' manuals use."""

CURRENT, PAIR = ".current", ".pair-"
LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


def hand_out(certificate: Certificate, directory: Path) -> None:
    """Whenever this ends, by a crash too, both files are the old ones or both the new ones.

    The chain may be read by everybody who may enter the directory, the key by its owner.
    """
    make_folder(directory)
    before = _held(directory)
    new = _write_pair(directory, certificate.chain_pem, certificate.key_pem)
    try:
        if before and not _linked(directory):
            # Plain files become links to what they say now; a mix of both would be no pair.
            replace_link(directory / CURRENT, _write_pair(directory, *before).name)
            _link(directory)
        _swap(directory, new)
        _link(directory)
    except OSError as error:
        if error.errno not in LINKLESS:
            raise
        for each in directory.glob(f"{PAIR}*"):
            shutil.rmtree(each, ignore_errors=True)
        replace_file(directory / KEY, certificate.key_pem)
        replace_file(directory / CHAIN, certificate.chain_pem)
        (directory / CHAIN).chmod(0o644)


def _held(directory: Path) -> tuple[bytes, bytes] | None:
    """The chain and key that readers have now; None where one is missing."""
    with suppress(*MISSING):
        return (directory / CHAIN).read_bytes(), (directory / KEY).read_bytes()
    return None


def _linked(directory: Path) -> bool:
    links = [(directory / name, Path(CURRENT, name)) for name in (KEY, CHAIN)]
    return all(link.is_symlink() and link.readlink() == target for link, target in links)


def _write_pair(directory: Path, chain_pem: bytes, key_pem: bytes) -> Path:
    pair = directory / f"{PAIR}{token_hex(4)}"
    pair.mkdir()
    try:
        write_file(pair / KEY, key_pem)
        write_file(pair / CHAIN, chain_pem)
        (pair / CHAIN).chmod(0o644)
        pair.chmod(0o755)  # as open as the directory around it
        sync_folder(pair)
    except OSError:
        shutil.rmtree(pair, ignore_errors=True)  # a full disk, which each try would fill further
        raise
    return pair


def _swap(directory: Path, pair: Path) -> None:
    """The change; then all but this pair and the one before it go."""
    current = directory / CURRENT
    before = current.readlink().name if current.is_symlink() else ""
    replace_link(current, pair.name)
    for each in directory.glob(f"{PAIR}*"):
        if each.name not in (pair.name, before):
            shutil.rmtree(each, ignore_errors=True)


def _link(directory: Path) -> None:
    if not _linked(directory):
        for name in (KEY, CHAIN):
            replace_link(directory / name, f"{CURRENT}/{name}")
