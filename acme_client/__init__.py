"""acme_client: host names in, certificates out.

`manager` is the loop: what is wanted -> `plan` -> a look (`preflight`) -> order
(`order` asks `ca`) -> `store` -> publish.  `internal_ca` certifies what no public CA can.  `ca` is the
only module that knows the `acme` library, and it is loaded only when a
certificate has to be asked for.
"""
