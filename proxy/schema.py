"""Schema: an option declared once; parsing, messages and documentation come from it.

    @options
    class IPAllowList:
        source_range: tuple[IPNetwork, ...] = option(doc="...", example="192.168.1.0/24")

`parse_options(IPAllowList, tree, where)` turns label text (or YAML values) into
the frozen value, or into the Problems that say what to write instead.
"""
