"""The command `emotion-edge`, and `python -m edge`: those of `edge.run`, from a file that loads nothing by itself."""

from typing import NoReturn

from edge.interrupts import end_quietly


def main() -> NoReturn:
    """Run the command; Ctrl-C while its modules load ends without a traceback."""
    end_quietly()
    from edge.command_line import leave
    from edge.run import main as run_main

    leave(run_main())


if __name__ == "__main__":
    main()
