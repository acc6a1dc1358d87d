"""What labelling costs, as ratios measured in one process."""
