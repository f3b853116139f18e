"""Short values: what the words of short labels take."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from proxy.schema import Unfit
from proxy.values import FALSE, PRIVATE, TRUE, Duration, parse_network, short
from proxy.visitor import DEFAULT_PORT

_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")
_HOST_IN_RULE = re.compile(r"host\(\s*[`\"']?([a-z0-9._*-]+)[`\"']?\s*\)")
_WITH_PORT = re.compile(r"[a-z0-9._*-]+:[0-9]*")
_FOUR_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+){3}\.?")
"""No browser asks for such a name where it is no address."""
_IPV4 = "each of its four numbers is 0 to 255, without a zero in front."
_PATH = re.compile(r"/[^\s`?#]*")
_LAST_PORT = 65535
_LONGEST_HOST = 253  # RFC 1035 2.3.4


class HostName(str):
    """A host name as visitors type it, `*.` in front for every name one level below."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> HostName:
        name = text.strip().lower()
        if ruled := _HOST_IN_RULE.findall(name):
            raise ValueError(f"Write only the host name: {', '.join(ruled)}")
        if "://" in name or "/" in name or _WITH_PORT.fullmatch(name):
            bare = _bare(name) or "blog.example.com"
            raise ValueError(f"Write only the host name: {bare}{cls.beside(text)}")
        if " " in name:
            raise ValueError(f"Write commas between host names: {', '.join(re.split('[ ;]+', name)[:9])}")
        if not name.isascii():
            raise ValueError(f"Write the name in its ASCII form: {_ascii(name)}")
        if _FOUR_NUMBERS.fullmatch(name) and not _is_ipv4(name.rstrip(".")):
            raise ValueError(f"{short(name, 40)} is no IPv4 address: {_IPV4}")
        if len(name) > _LONGEST_HOST or not _HOST.fullmatch(name):
            raise Unfit("a host name such as blog.example.com", text)
        return cls(name.rstrip("."))

    @staticmethod
    def beside(text: str) -> str:
        """The labels that say what else a URL says; usual ports say nothing of the app's."""
        host, slash, path = text.strip().rpartition("://")[2].partition("/")
        port = host.partition(":")[2]
        found = []
        number = int(port) if re.fullmatch("[0-9]{1,5}", port) else 0
        if 0 < number <= _LAST_PORT and number not in DEFAULT_PORT.values():
            found.append(f"tidegate.port={number}, if the app listens there")
        wanted = (slash + re.split("[?#]", path)[0]).rstrip("/")
        if _PATH.fullmatch(wanted):
            found.append(f"tidegate.path={wanted}")
        return f"; beside it {', and '.join(found)}" if found else ""


class FormerName(HostName):
    """A host name whose visitors are sent to another, whatever port and path they ask for."""

    __slots__ = ()

    @staticmethod
    def beside(text: str) -> str:
        return ""


class PathStart(str):
    """The beginning of a path."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> PathStart:
        if not _PATH.fullmatch(text):
            raise Unfit("a path such as /blog", text)
        return cls(text)


USERS_IN_A_FILE = (
    "a label names no file of this machine, for labels come with images. Name it in a route file (--routes), "
    "as http: {middlewares: {staff: {basicAuth: {usersFile: /etc/tidegate/users}}}}, and write here "
    "tidegate.middlewares=staff@file"
)


class Sign(str):
    """Somebody who may pass: a name and what proves it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Sign:
        name, colon, proof = text.partition(":")
        if text.startswith(("/", "./", "@")) or name.lower() == "file" or proof.startswith(("/", "./")):
            raise Unfit(f"NAME:HASH; {USERS_IN_A_FILE}", text)
        if not colon or not name or not proof:
            raise Unfit(
                "NAME:HASH as `tidegate password NAME` prints it, in a compose file every $ twice", text
            )
        return cls(text)


class Visitors(str):
    """A network, or `lan` for all that are private."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Visitors:
        if text.lower() == LAN:
            return cls(LAN)
        try:
            return cls(parse_network(text))
        except Unfit:
            raise Unfit("lan, or a network such as 192.168.1.0/24", text) from None

    @property
    def networks(self) -> tuple[str, ...]:
        return PRIVATE if self == LAN else (str(self),)


LAN = "lan"


class Closing(str):
    """Whether a site is closed: true, for whom it is open all the same, or what visitors read."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Closing:
        if text in TRUE or text in FALSE:
            return cls("true" if text in TRUE else "false")
        if not text.isprintable() or text.lower() in ("no", "off", "on", "yes"):
            raise Unfit("true, false, networks such as lan, or a text of one line", text)
        return cls(text)

    @property
    def networks(self) -> tuple[str, ...]:
        """Whose visitors find it open; none where it is a text."""
        try:
            parts = [Visitors.parse(part.strip()) for part in self.split(",")]
        except Unfit:
            return ()
        return tuple(network for each in parts for network in each.networks)


class HSTS(str):
    """For how many seconds browsers keep to HTTPS; empty where they are not told."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> HSTS:
        if text in FALSE and text != "0":
            return cls("")
        if text in TRUE:
            return cls(YEAR)
        try:
            return cls(int(Duration.parse(text)))
        except Unfit:
            raise Unfit("true, false or a duration such as 30d", text) from None


# A year is what preload lists and scanners ask for, and more than any pause between visits.  It risks little
# here: the certificate renews itself, HTTP is redirected anyway, and no name below is spoken for.
YEAR = 365 * 86400


class Certificate(str):
    """Whether a site is served over HTTPS, and who certifies it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Certificate:
        meant = {"true": "auto", "false": "off"}.get(text.lower(), text.lower())
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", meant):
            wrong = f"{short(text, 40)} is no resolver." if text else "There is no value."
            raise ValueError(
                f"{wrong} Write auto, where the name decides, internal for "
                "Tidegate's own authority, the name of one that the settings define, or off."
            )
        return cls(meant)


def _bare(name: str) -> str:
    return name.rpartition("://")[2].partition("/")[0].partition(":")[0]


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return "xn--..."
