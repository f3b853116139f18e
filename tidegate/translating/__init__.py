"""Translating: a compose file with labels for another proxy, written anew with Tidegate's own."""
