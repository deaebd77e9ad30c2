"""One function per command; the only place where rooms meet."""
