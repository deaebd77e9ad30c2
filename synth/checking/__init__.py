"""Claims of a data set, each checked by a function that returns findings."""
