"""What data set to build: splits, cells, draws, feasibility; numbers, no audio."""
