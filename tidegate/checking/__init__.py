"""Checking: what is wrong with compose files and route files, before anything is started."""
