"""Mistakes that people make in compose files, and what `tidegate check` says of each: docs/mistakes.md."""
