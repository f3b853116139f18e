"""Dialects: ways to write labels; each turns into the one grammar that `labels` reads."""
