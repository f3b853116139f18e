"""Soak: a running Tidegate under load that no single test has, judged from outside alone."""
