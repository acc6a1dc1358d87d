"""How shards become statistics: here one after another, or on many machines; folded in order."""
