"""Fuzz: what Tidegate's readers accept must mean the same to readers that others wrote."""
