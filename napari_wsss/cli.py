# PYTHON_ARGCOMPLETE_OK
"""`napari-wsss`, the program: trusts nothing in the current folder, then does what is typed (`commands/parser.py`).

Exit codes: 0 done, 1 `check` found something, 2 wrong options, 4 something a person can correct (said in one line), 141
nobody reads what is printed; commands that compute have those of ``python -m training.run``.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from napari_wsss.commands.parser import run
from napari_wsss.processes.children import distrust, print_any_name, until_nobody_reads


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of this process otherwise.
    """
    distrust(Path.cwd())
    print_any_name()
    return until_nobody_reads(lambda: run(sys.argv[1:] if arguments is None else arguments))


if __name__ == "__main__":
    sys.exit(main())
