"""The program.  What the standard library imports for rare cases is loaded with the first of them: 1 MB."""

from tidegate.sparing import later

later("ast")  # for inspect, which reads sources, and for tracebacks
later("zipfile")  # for importlib.resources, where packages are archives
later("asyncio.sslproto")  # for asyncio's own TLS; ours is proxy.tls_transport
later("bz2")  # for shutil, which can pack archives
later("lzma")
later("difflib")  # for mistakes
later("tokenize")  # for inspect, which reads sources
