"""Settings reference: the flags of `--help` and the page docs/settings.md, from the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from proxy.schema import OptionDoc, options_of
from tidegate.addresses import Address
from tidegate.settings import Settings
from tidegate.sources import CONFIG, USUAL_FILE, flag_name, variable_name

METAVARS: dict[str, str] = {
    "docker": "URL|off",
    "entrypoint": "NAME=ADDR",
    "routes": "PATH",
    "data": "DIR",
    "own_certificates": "DIR",
    "trusted_proxies": "NETWORKS",
    "upstream_timeout": "SECONDS",
    "fast_lane": "on|off",
    "workers": "NUMBER|auto",
    "acme_ca": "NAMES|URLS|off",
    "acme_email": "EMAIL",
    "acme_challenges": "KINDS",
    "acme_preflight": "on|off",
    "resolver": "NAME.SETTING=VALUE",
}

INTRODUCTION = f"""\
# Settings

What an installation of Tidegate is told at its start. Each setting is a flag of `tidegate run`, a variable,
or a line of a YAML file; a flag wins over a variable, a variable over the file. A name that does not exist
or a value that does not fit stops the start, with a message that says what to write instead. An empty
variable counts as not set.

The file is the one that `--config FILE` or `{CONFIG}` names, else `{USUAL_FILE}` if it is there:

```yaml
acme-email: you@example.com
trusted-proxies: [10.0.0.0/8, 192.168.1.7]
dashboard: off
```

Secrets can stand in a file of their own: the setting's name with `-file` (`_FILE`) behind it, and the
file's path as its value.

This page is printed by `tidegate settings`.
"""


def metavar(opt: OptionDoc) -> str:
    if get_origin(opt.type) is Literal:
        return "|".join(get_args(opt.type))
    kinds = get_args(opt.type) or (opt.type,)
    return METAVARS.get(opt.field) or (
        "ADDR|off" if Address in kinds else "FILE" if "bundle" in opt.field else "TEXT"
    )


def help_text(opt: OptionDoc) -> str:
    """One setting's paragraph in `--help`."""
    default = shown_default(opt)
    if opt.secret:
        return f"A file with this secret: {opt.doc} Example: /run/secrets/{opt.field}"
    return opt.doc.replace("`", "") + (f" Default: {default}" if default else f" Example: {opt.example}")


def shown_default(opt: OptionDoc) -> str:
    if isinstance(opt.default, tuple) and not hasattr(opt.default, "_fields"):
        return ", ".join(map(str, opt.default))
    return "" if opt.default in (None, "") else str(opt.default)


def settings_page() -> str:
    return "\n".join([INTRODUCTION, *chapters()]).rstrip() + "\n"


def chapters() -> Iterator[str]:
    for opt in options_of(Settings).values():
        name = f"{opt.field}_file" if opt.secret else opt.field
        variables = f"`{variable_name(opt.field)}`" + (f", `{variable_name(name)}`" if opt.secret else "")
        yield f"## {opt.field.replace('_', '-')}\n"
        yield f"{opt.doc}\n"
        yield f"* flag: `{flag_name(name)} {metavar(opt) if not opt.secret else 'FILE'}`"
        yield f"* variable: {variables}"
        if default := shown_default(opt):
            yield f"* default: `{default}`"
        yield f"* example: `{opt.example}`\n"
