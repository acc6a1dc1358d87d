"""Engines map shards to statistics; results are folded in shard order."""
