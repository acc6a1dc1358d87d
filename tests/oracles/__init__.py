"""Models built by hand, whose heads and neurons are known by construction."""
