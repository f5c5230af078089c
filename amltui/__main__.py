"""`python -m amltui` and the `amltui` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; `amltui --help` alone is answered without building it.

    Importing the option parser takes longer than three bare interpreters; the text it would print
    is kept in help.txt, and a test holds the two together.
    """
    if sys.argv[1:] == ["--help"]:
        with open(__file__.replace("__main__.py", "help.txt"), encoding="utf-8") as help_text:
            sys.stdout.write(help_text.read())
        return
    from amltui.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
