"""certs: what `tidegate certs` asks of the running instance, how it is shown, and what it does with files."""
