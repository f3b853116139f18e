"""Peers: the corpora of requests and apps, played at any proxy before a recorder that forgives nothing."""
