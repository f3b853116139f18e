"""References: what Tidegate knows of labels, settings and itself."""

from __future__ import annotations

from tidegate.commands.line import Call, Command, refuse_strangers
from tidegate.settings_reference import settings_page


def labels_reference(call: Call) -> int:
    refuse_strangers(call)
    from tidegate.label_reference import labels_page

    print(labels_page(), end="")
    return 0


def settings_reference(call: Call) -> int:
    refuse_strangers(call)
    print(settings_page(), end="")
    return 0


def version(call: Call) -> int:
    refuse_strangers(call)
    from tidegate.version import version_text

    print(version_text(), end="")
    return 0


COMMANDS = {
    "labels": Command("print the reference of all labels", labels_reference),
    "settings": Command("print the reference of all settings", settings_reference, settings=None),
    "version": Command("print the versions of Tidegate and of what it runs on", version, settings=None),
}
