"""Apps that nobody here wrote: `make test-apps`."""

import pytest

MET = [
    pytest.mark.docker,
    pytest.mark.acme,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
]
"""Marks of each of them; the first test waits for images."""
