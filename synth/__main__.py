"""``python -m synth`` is ``synth``."""

from synth.cli.main import main

if __name__ == "__main__":
    main(prog_name="synth")
