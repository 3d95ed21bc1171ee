"""`python -m training.run <stage>`: every stage without a window, with the options the forms have.

Exit codes: 0 done, 2 wrong options, 3 stopped (resumable), 4 bad data or settings, 5 out of memory.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from napari_wsss.processes.children import distrust, print_any_name, until_nobody_reads
from napari_wsss.processes.stage_parser import help_without_stage


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of this process otherwise.

    Raises
    ------
    SystemExit
        After help, and for options that cannot be read (code 2), as argparse has it.
    """
    distrust(Path.cwd())
    print_any_name()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    told = help_without_stage(typed)
    if told is not None:
        sys.stdout.write(told)
        sys.exit(0)
    from training.command_line import run_stage

    return run_stage(typed, is_program=arguments is None)


if __name__ == "__main__":
    sys.exit(until_nobody_reads(main))
