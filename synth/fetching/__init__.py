"""Bytes in, ledger out: audio that has to be got before it can be indexed."""
