"""Proxy: requests in, responses out.

Knows nothing of Docker, of where certificates come from or of the program around it.
"""
