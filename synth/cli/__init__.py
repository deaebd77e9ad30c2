"""Commands: parse, call a step, print."""
