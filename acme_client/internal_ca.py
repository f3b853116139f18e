"""Internal CA: certificates for names that no public CA can certify, and for those that still wait.

There are two roots, each made when first needed.  The one that people are
asked to trust may sign local names and private addresses only, so whoever
steals its key cannot pose as their bank.  Single labels and public names cannot
be described in such limits; they are signed by the other root, which nobody
needs to trust unless all certificates are to come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from acme_client.certificate import Certificate
from acme_client.disk import MISSING, make_folder, move_away, replace_file
from acme_client.events import RootReplaced
from acme_client.keys import pem
from acme_client.plan import BUILT
from acme_client.reach import Reach, reach_of
from acme_client.signing import Root, issued, lasts, make_root, public_pem, read_root, sign_leaf

LEAF_LIFE = timedelta(days=60)


class InternalCA:
    """Signs leaves.  Every method blocks (files, keys): call it from a worker thread.

    `data` None, or a folder that cannot be written, gives roots that live in memory only.
    `limited` False signs everything with the unlimited root: for an
    installation whose only CA this is.
    """

    def __init__(self, data: Path | None, *, limited: bool = True) -> None:
        self._folder = data / "internal" if data else None
        self._limited = limited
        self._trusted: Reach = "local" if limited else "any"
        self._roots: dict[Reach, Root] = {}
        self._unsaved: set[Reach] = set()
        self._unread: set[Reach] = set()
        """Whose file is there and cannot be read: it is not overwritten."""
        self.trouble: OSError | None = None
        """Why a root lives in memory only."""
        self.replaced: list[RootReplaced] = []
        """What people who trusted a root have to be told."""

    @property
    def root_path(self) -> Path | None:
        """The root certificate that people are asked to trust; there once it was needed."""
        return self._folder / "root.pem" if self._folder else None

    def root_pem(self, now: datetime) -> bytes:
        """That root certificate, made now if it was not needed before."""
        return public_pem(self._root(self._trusted, now))

    def reach_for(self, hosts: Sequence[str]) -> Reach:
        return reach_of(hosts, limited=self._limited)

    def leaf(self, hosts: Sequence[str], now: datetime, life: timedelta = LEAF_LIFE) -> Certificate:
        """A new certificate with a new key for these names and addresses."""
        root = self._root(self.reach_for(hosts), now)
        return sign_leaf(root, hosts, now, life)

    def signed(self, certificate: Certificate, now: datetime) -> bool:
        """Whether the root of today signed this leaf: it may have been deleted and made again."""
        return issued(self._root(self.reach_for(certificate.names), now), certificate.chain_pem)

    def _root(self, reach: Reach, now: datetime) -> Root:
        """The root, made anew where it is missing, broken or in its last year.

        What people trust is never thrown away for what may pass: a clock that
        starts in 1970, or a file that cannot be read at the moment.
        """
        root = self._roots.get(reach)
        if root is None or reach in self._unread:
            root = self._load(reach) or root
        sane = now >= BUILT
        if root is None or (sane and not lasts(root.certificate, now)):
            if root is not None and reach not in self._unread:
                self._put_aside(reach, "not valid for long enough")
            root = make_root(reach, now)
            if sane and reach not in self._unread:
                self._unsaved.add(reach)
        self._roots[reach] = root
        if reach in self._unsaved:
            self._save(reach, root)
        return root

    def _load(self, reach: Reach) -> Root | None:
        if self._folder is None:
            return None
        try:
            text = (self._folder / reach / "root-and-key.pem").read_bytes()
        except MISSING:
            self._unread.discard(reach)
            return None
        except OSError as error:
            self.trouble = error
            self._unread.add(reach)
            return None
        if reach in self._unread:
            self._unread.discard(reach)
            self.trouble = None
        root = read_root(text)
        if root is None:
            self._put_aside(reach, "broken")
        elif reach == self._trusted and not self._handed_out(root):
            self._unsaved.add(reach)  # the installation's CA was switched on or off meanwhile
        return root

    def _put_aside(self, reach: Reach, reason: str) -> None:
        if self._folder is None or not (path := self._folder / reach / "root-and-key.pem").exists():
            return
        place = move_away(path, self._folder.parent / "quarantine")
        self.replaced.append(RootReplaced(reason, str(place)))

    def _handed_out(self, root: Root) -> bool:
        try:
            return self.root_path is not None and self.root_path.read_bytes() == public_pem(root)
        except OSError:
            return False

    def _save(self, reach: Reach, root: Root) -> None:
        """Root and key are one file, so that no crash can leave one without the other.

        The copies without the key are for handing out.  A folder that cannot
        be written is tried again with the next leaf.
        """
        if self._folder is None:
            return
        folder = self._folder / reach
        public = public_pem(root)
        try:
            make_folder(folder)
            replace_file(folder / "root-and-key.pem", public + pem(root.key))
            replace_file(folder / "root.pem", public)
            if reach == self._trusted:
                replace_file(self._folder / "root.pem", public)
        except OSError as error:
            self.trouble = error
        else:
            self.trouble = None
            self._unsaved.discard(reach)
