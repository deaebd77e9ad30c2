"""Which labels of found recordings are wrong: scores of a judge, and the decision from them."""
