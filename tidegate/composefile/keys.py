"""Keys: the words that compose knows, and what is said of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proxy.schema import closest
from tidegate.composefile.nodes import Branch, Leaf, Node

OF_FILE = frozenset({
    "configs", "include", "models", "name", "networks", "secrets", "services", "version", "volumes",
})  # fmt: skip
_KEYS = """
    annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus
    cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search
    domainname entrypoint env_file environment expose extends external_links extra_hosts gpus group_add
    healthcheck hostname image init ipc isolation label_file labels links logging mac_address mem_limit
    mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj
    pid pids_limit platform ports post_start pre_stop privileged profiles provider pull_policy read_only
    restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt
    sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir
"""
_SERVICE_KEYS = frozenset(_KEYS.split())

_EXTENSION = "x-"
"""What begins so compose leaves to whoever wrote it."""


def wrong_in_file(root: Branch) -> Iterator[tuple[Leaf, str]]:
    """What stands at the left margin and compose does not know there."""
    for key, node in root.entries.values():
        if key.text in OF_FILE or key.text.startswith(_EXTENSION):
            continue
        name = key.text[:80]
        if _is_label(name):
            yield key, f'"{name}" is a label: it stands below labels: of a service.'
        elif _is_service(node):
            yield (
                key,
                f'"{name}" looks like a service: it stands below services:, two more spaces to the right.',
            )
        elif name in _SERVICE_KEYS:
            yield key, f'"{name}" is said of a service: it stands below its name, more spaces to the right.'
        else:
            yield key, f'A compose file has no "{name}".{_hint(name, OF_FILE)}'


def wrong_in_service(keys: Iterable[Leaf]) -> Iterator[tuple[Leaf, str]]:
    for key in keys:
        name = key.text[:80]
        if key.text in _SERVICE_KEYS or key.text.startswith(_EXTENSION):
            continue
        if _is_label(name):
            yield key, f'"{name}" is a label: it stands below labels:, two more spaces to the right.'
        else:
            yield key, f'A service of a compose file has no "{name}".{_hint(name, _SERVICE_KEYS)}'


def starts_services(key: Leaf, node: Node) -> bool:
    """Whether a compose file was meant: a service without services: above it, or that word mistyped."""
    return _is_service(node) or closest(key.text, OF_FILE) == "services"


def _is_service(node: Node) -> bool:
    return isinstance(node, Branch) and not _SERVICE_KEYS.isdisjoint(node.entries)


def _is_label(name: str) -> bool:
    root, dot, _ = name.partition(".")
    return bool(dot) and root in ("tidegate", "traefik", "caddy")


def _hint(name: str, known: Iterable[str]) -> str:
    guess = closest(name, known)
    return f' Did you mean "{guess}"?' if guess else ""
