"""``python -m synth`` is ``synth``, and both begin here."""

from __future__ import annotations

import os
import sys


def program() -> None:
    """Run the command that was typed.

    Names of files are UTF-8 in all tables. Where Python was told otherwise (a C locale with ``PYTHONUTF8=0``, a Latin-1
    locale), it would read other names from the disk than a table has: then it is started once more, in UTF-8 mode.
    """
    if os.name == "posix" and sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  # the same program
    from synth.cli.main import main

    main(prog_name="synth")


if __name__ == "__main__":
    program()
