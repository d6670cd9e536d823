"""Reasons to leave a test out."""

import pytest

import tatami

# The host would have to wait for what a GPU finds in an array.
looks_at_indices = pytest.mark.skipif(
    tatami.isa() == "cuda", reason="a GPU does not look for indices out of range"
)
