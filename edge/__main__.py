"""The command `emotion-edge`, also `python -m edge`: it runs `edge.run`, and imports nothing heavy before that."""

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
