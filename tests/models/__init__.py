"""Small models of every supported family, made on the spot from each architecture's own config."""
