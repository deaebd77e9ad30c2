"""Bytes in from the network: archives of corpora, clips of videos, and what became of each."""
