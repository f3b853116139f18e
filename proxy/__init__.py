"""Proxy: requests in, responses out.  Knows nothing of Docker, certificates' origin or the program around it."""
