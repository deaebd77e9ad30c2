"""Hearing what a judge rejected: decisions of people, how they are kept, and a page on this machine to make them."""
