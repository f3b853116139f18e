"""Sources: what flags, environment and file say, by setting; the first of them that has it wins.

Everything that is wrong in any of them is found at once, each mistake with
where it stands and the closest right name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, get_args

from proxy.frozen import frozen
from proxy.problem import Problem
from proxy.schema import Tree, canonical, closest, options_of, parse_options
from tidegate.addresses import Off
from tidegate.contradictions import contradictions
from tidegate.settings import Settings

if TYPE_CHECKING:
    import yaml

PREFIX = "TIDEGATE_"
CONFIG = "TIDEGATE_CONFIG"
ORCHESTRATORS = re.compile(
    r"TIDEGATE_(\w+_)?((SERVICE_HOST|SERVICE_PORT(_\w+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)"
    r"|TIDEGATE_(NAME|ENV_\w+)"
)
"""What Kubernetes and Docker's links tell every container about a service that is called tidegate."""
USUAL_FILE = Path("/etc/tidegate/tidegate.yaml")
MOST = 1 << 20
"""A settings file is a few lines; whatever is longer than this is another file."""


Flags: TypeAlias = Mapping[str, str | Sequence[str]]


@frozen
class Given:
    """One setting as one source has it; `where` can be searched for and holds no secret."""

    name: str
    value: Tree
    where: str


@frozen
class Source:
    given: Mapping[str, Given] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class SettingsError(Exception):
    """The settings cannot be used; every reason is in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n\n".join(map(str, problems)))
        self.problems = tuple(problems)


def load(
    flags: Flags, environ: Mapping[str, str], config: str | None = None, *, credentials: bool = True
) -> Settings:
    """The settings that hold, or SettingsError with all that is wrong.

    `credentials` says whether those of DNS providers have to be there, too.
    """
    return settled(read_all(flags, environ, config), environ, credentials=credentials)


def settled(sources: Sequence[Source], environ: Mapping[str, str], *, credentials: bool) -> Settings:
    """The settings that the sources make, the first of them first, or SettingsError."""
    given = {name: each for source in reversed(sources) for name, each in source.given.items()}
    problems = [problem for source in sources for problem in source.problems]
    settings, flaws = parse_options(Settings, {name: each.value for name, each in given.items()})
    for flaw in flaws:
        each = given.get(flaw.path[0]) if flaw.path else None
        problems.append(Problem(each.where if each else "settings", flaw.what))
    if settings:
        found = [*contradictions(settings), *(missing_credentials(settings, environ) if credentials else ())]
        if settings.resolver:
            from tidegate.named_resolvers import settings_of

            of_each, wrong = settings_of(settings)
            found += wrong
            for name, own in of_each.items():
                other = credentials and own.dns != settings.dns
                lacking = missing_credentials(own, environ) if other else ()
                found += [Problem("resolver", f'Resolver "{name}", dns: {each.what}') for each in lacking]
        problems += [placed(problem, given) for problem in found]
    if settings is None or problems:
        raise SettingsError(problems)
    return settings


def wrong_in(config: str) -> tuple[Problem, ...]:
    """All that is wrong in a settings file.

    What variables would have to say, on the machine that runs it, is not to be seen in it.
    """
    try:
        load({}, {}, config, credentials=False)
    except SettingsError as error:
        return error.problems
    return ()


def missing_credentials(settings: Settings, environ: Mapping[str, str]) -> Iterator[Problem]:
    """What the DNS provider has to be told and was not; its credentials are no settings of ours."""
    if isinstance(settings.dns, Off):
        return
    from acme_client.dns.choosing import choose_provider
    from acme_client.dns.variables import MissingVariable

    try:
        choose_provider(settings.dns, environ, settings.data_directory)
    except MissingVariable as error:
        yield Problem(f"dns={settings.dns}", str(error))


def load_leniently(
    names: Sequence[str],
    flags: Flags,
    environ: Mapping[str, str],
    config: str | None = None,
    behind: Sequence[Source] = (),
) -> Settings:
    """Only these settings, for commands that ask a running instance; other mistakes do not matter there.

    What none of the usual sources says, those `behind` them may say.
    """
    given = {
        name: each.value
        for source in reversed((*read_all(flags, environ, config), *behind))
        for name, each in source.given.items()
        if name in names
    }
    settings, flaws = parse_options(Settings, given)
    if settings is None:
        raise SettingsError([Problem(".".join(flaw.path), flaw.what) for flaw in flaws])
    return settings


def placed(problem: Problem, given: Mapping[str, Given]) -> Problem:
    """A contradiction, at the place where its setting was given."""
    each = given.get(problem.where.partition("=")[0])
    return Problem(each.where, problem.what) if each else problem


def read_all(flags: Flags, environ: Mapping[str, str], config: str | None) -> tuple[Source, ...]:
    file = read_file(config or environ.get(CONFIG) or "")
    return from_flags(flags), from_environment(environ), file


# Flags and variables.


def flag_name(name: str) -> str:
    return "--" + name.replace("_", "-")


def variable_name(name: str) -> str:
    return PREFIX + name.upper()


def spellings() -> dict[str, str]:
    """Every name that a setting may be given by; a secret one may also stand in a file of its own."""
    known = {name: name for name in options_of(Settings)}
    known |= {f"{name}_file": name for name, opt in options_of(Settings).items() if opt.secret}
    return known


def from_flags(flags: Flags) -> Source:
    return gather((name, joined(name, value), flag_name(name), "=") for name, value in flags.items())


def joined(name: str, value: str | Sequence[str]) -> Tree:
    """A repeated flag may also hold several values each time, as a variable does."""
    if isinstance(value, str):
        return value
    kinds = get_args(options_of(Settings)[name].type) if name in options_of(Settings) else ()
    return list(value) if any(getattr(kind, "holds_commas", False) for kind in kinds) else ",".join(value)


def from_environment(environ: Mapping[str, str]) -> Source:
    known = {variable_name(name): name for name in spellings()}
    own = {
        key: value
        for key, value in environ.items()
        if key.startswith(PREFIX) and key != CONFIG and (key in known or not is_orchestrators(key))
    }
    problems = [unknown(key, [*known, CONFIG], key, PREFIX) for key in own if key not in known]
    # An empty variable is what compose makes of ${NAME:-}: not given.
    source = gather((known[key], value, key, "=") for key, value in own.items() if key in known and value)
    return Source(source.given, (*problems, *source.problems))


def is_orchestrators(variable: str) -> bool:
    return ORCHESTRATORS.fullmatch(variable) is not None


def gather(entries: Iterator[tuple[str, Tree, str, str]]) -> Source:
    """One source's settings from (spelling, value, its name in this source, the sign before a value)."""
    known, secret = spellings(), {name for name, opt in options_of(Settings).items() if opt.secret}
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    for spelling, value, shown, sign in entries:
        name = known[spelling]
        hidden = spelling in secret or spelling == "resolver"  # somebody may have written a key there
        where = shown if hidden else f"{shown}{sign}{as_text(value)}"
        if name in given:
            problems.append(
                Problem(where, f"This is given twice, also as {given[name].where.split('=')[0]}.")
            )
        elif spelling == name:
            given[name] = Given(name, value, where)
        else:
            try:
                given[name] = Given(name, Path(str(value)).read_text(encoding="utf-8").strip(), where)
            except (OSError, ValueError) as error:
                problems.append(Problem(where, f"The file cannot be read: {reason(error)}."))
    return Source(given, tuple(problems))


def as_text(value: Tree) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(as_text(each) for each in value)
    return str(value) if isinstance(value, str) else ""


def unknown(name: str, known: Sequence[str], where: str, prefix: str = "") -> Problem:
    """The problem of a name that does not exist; a prefix common to all would make any two look alike."""
    meant = closest(name.removeprefix(prefix), [each.removeprefix(prefix) for each in known])
    guess = f'Did you mean "{prefix}{meant}"?' if meant else "See: tidegate run --help"
    return Problem(where, f'Tidegate has no "{name}". {guess}')


def reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is no text"


# The file.


def read_file(path: str) -> Source:
    """The YAML file's settings; without a path the usual one, if it is there."""
    file = Path(path) if path else USUAL_FILE
    try:
        with file.open(encoding="utf-8") as stream:
            return from_yaml(stream.read(MOST), str(file))
    except FileNotFoundError as error:
        return Source(
            problems=(Problem(path, f"The settings file cannot be read: {reason(error)}."),) if path else ()
        )
    except (OSError, ValueError) as error:
        return Source(problems=(Problem(str(file), f"The settings file cannot be read: {reason(error)}."),))


def from_yaml(text: str, file: str) -> Source:
    import yaml  # only where there is a file

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        return Source(problems=(Problem(where, f"This is not YAML: {getattr(error, 'problem', error)}."),))
    if root is None:
        return Source()
    if not isinstance(root, yaml.MappingNode):
        return Source(
            problems=(Problem(file, "Expected settings, one a line. Example: web: 127.0.0.1:8080"),)
        )
    known = {canonical(name): name for name in spellings()}
    entries, problems = [], []
    for key, value in root.value:
        where = f"{file}:{key.start_mark.line + 1}: {key.value}"
        if canonical(str(key.value)) not in known:
            problems.append(unknown(str(key.value), [name.replace("_", "-") for name in spellings()], where))
        elif (tree := resolver_lines(value) if key.value == "resolver" else plain(value)) is not None:
            entries.append((known[canonical(str(key.value))], tree, where, ": "))
    source = gather(iter(entries))
    return Source(source.given, (*problems, *source.problems))


def resolver_lines(node: yaml.Node) -> Tree:
    """A tree of names and their settings as the lines that flags would have: NAME.SETTING=VALUE."""
    if node.tag != "tag:yaml.org,2002:map":
        return plain(node)
    lines = []
    for name, below in node.value:
        settings = below.value if below.tag == "tag:yaml.org,2002:map" else ()
        for setting, value in settings:
            lines.append(f"{name.value}.{setting.value}={as_text(plain(value)).replace(', ', ',')}")
        if not settings:
            lines.append(f"{name.value}")
    return lines


def plain(node: yaml.Node) -> Tree:
    """The node with its texts as they are written: YAML would make a number of 10:30, and false of `off`."""
    if isinstance(node.value, str):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    if node.tag == "tag:yaml.org,2002:seq":
        return [plain(item) if isinstance(item.value, str) else {} for item in node.value]
    return {}
