"""All figures of the logs beside their targets, in one table.

    python -m tests.bench.logs [LINES] [ROUNDS] [KEYS]

What is measured against `docker logs > /dev/null` is a ratio of two runs side by side, the median
of the rounds. It takes some six minutes; what is going on is said on stderr. Needs a Docker engine
and a machine that does nothing else.
"""

from __future__ import annotations

import sys

from tests.bench import log_peers, log_source, log_view
from tests.bench.figures import show


def main(lines: int = 1_000_000, rounds: int = 5, presses: int = 500) -> None:
    """Print the table."""
    figures = log_source.measure(lines, rounds)
    figures += log_view.measure(presses)
    show(figures + log_peers.measure(min(lines, 200_000)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
