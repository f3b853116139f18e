"""Measured, printed, compared; never asserted."""
