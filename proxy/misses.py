"""Misses: the first condition of a rule that a request does not meet, in words."""

from __future__ import annotations

from proxy.exchange import RequestHead
from proxy.matchers import query_values, routing_path
from proxy.syntax import And, Matcher, Node, Not, Or
from proxy.values import short

MOST_NAMED = 3
LONGEST = 120


def missed(node: Node, head: RequestHead) -> str:
    """What of the rule does not hold, asked of the very predicates that serve; "" where all of it does."""
    match node:
        case Matcher():
            return "" if node.predicate(head) else f"{spelled(node)} {_instead(node, head)}"
        case Not(inner):
            return "" if missed(inner, head) else f"{spelled(node)}: {_what_holds(inner, head)}"
        case And(nodes):
            return next((why for each in nodes if (why := missed(each, head))), "")
        case Or(nodes):
            return _none_of(nodes, head)


def spelled(node: Node) -> str:
    """The condition as labels have it."""
    match node:
        case Matcher(name, arguments):
            return f"{name}({', '.join(f'`{short(text, LONGEST)}`' for text in arguments)})"
        case Not(inner):
            return f"!{spelled(inner)}" if isinstance(inner, Matcher) else f"!({spelled(inner)})"
        case And(nodes):
            return " && ".join(
                f"({spelled(each)})" if isinstance(each, Or) else spelled(each) for each in nodes
            )
        case Or(nodes):
            return " || ".join(map(spelled, nodes))


def _none_of(nodes: tuple[Node, ...], head: RequestHead) -> str:
    whys = [missed(each, head) for each in nodes]
    if not all(whys):
        return ""
    if all(isinstance(each, Matcher) and each.name == "Host" for each in nodes):
        named, more = nodes[:MOST_NAMED], len(nodes) - MOST_NAMED
        others = f" or {more} more" if more > 0 else ""
        return f"{' || '.join(map(spelled, named))}{others} {_instead(nodes[0], head)}"
    more = len(whys) - MOST_NAMED
    return "; ".join(whys[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _instead(node: Node, head: RequestHead) -> str:
    """What the request has where the condition wants something else; reads on after the condition."""
    match node:
        case Matcher("Host"):
            return f"is not {head.host}" if head.host else "is not met: the request names no host"
        case Matcher("HostRegexp"):
            return f"does not match {head.host or 'a request without a host'}"
        case Matcher("Path" | "PathPrefix" | "PathRegexp" as name):
            verb = {"Path": "is not", "PathPrefix": "does not begin", "PathRegexp": "does not match"}[name]
            return f"{verb} {short(routing_path(head.path), LONGEST)}"
        case Matcher("Method"):
            return f"is not {head.method}"
        case Matcher("ClientIP"):
            return f"does not hold {head.client_ip}"
        case Matcher("Header" | "HeaderRegexp", (field, *_)):
            return _told_instead(
                field, [value for name, value in head.fields if name.lower() == field.lower()]
            )
        case Matcher("Query" | "QueryRegexp", (name, *_)):
            return _told_instead(name, query_values(head.query, name))
    return "does not hold"


def _told_instead(name: str, values: list[str]) -> str:
    if not values:
        return f"is not met: the request has no {name}"
    return f"is not {short(', '.join(values), LONGEST)}"


def _what_holds(inner: Node, head: RequestHead) -> str:
    match inner:
        case Matcher("Host" | "HostRegexp"):
            return f"the host is {head.host}"
        case Matcher("Path" | "PathPrefix" | "PathRegexp"):
            return f"the path is {short(routing_path(head.path), LONGEST)}"
        case Matcher("Method"):
            return f"the method is {head.method}"
        case Matcher("ClientIP"):
            return f"the client is {head.client_ip}"
    return "that holds"
