"""Plan rows to samples to shards."""
