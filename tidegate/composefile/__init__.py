"""Compose files: what `docker compose` would make of them, and where each word stands."""
