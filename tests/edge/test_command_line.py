"""The exit codes and the one line that every command line of the package shares."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from edge.command_line import CommandParser, run_command
from edge.errors import ConfigError, SourceError
from tests.processes import run_python


def _raises(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda: 0, 0),
        (_raises(ConfigError("wrong")), 1),
        (_raises(SourceError("gone")), 1),
        (_raises(KeyboardInterrupt()), 130),
        (_raises(ZeroDivisionError()), 3),
    ],
)
def test_each_end_has_its_exit_code(command: Callable[[], int], code: int) -> None:
    assert run_command(command) == code


def test_an_expected_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    run_command(_raises(ConfigError("Expected this.\nReceived: that")))

    assert capsys.readouterr().err == "Expected this. Received: that\n"


def test_an_unexpected_error_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    run_command(_raises(ZeroDivisionError("a defect")))

    assert "Traceback" in capsys.readouterr().err


def test_a_usage_error_is_one_line_and_two(capsys: pytest.CaptureFixture[str]) -> None:
    parser = CommandParser("python -m edge.run")
    parser.add_argument("--fps", type=int)

    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--fps", "many"])

    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_help_shows_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    parser = CommandParser("python -m edge.run")
    parser.add_argument("--fps", type=int, default=15, help="frames a second")
    parser.add_argument("--fast", action="store_true", help="no pauses")
    parser.add_argument("--out", help="a folder")

    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])

    shown = capsys.readouterr().out
    assert "frames a second (default: 15)" in shown
    assert shown.count("default") == 1


def test_a_reader_that_leaves_early_is_no_error() -> None:
    program = (
        "import sys; from edge.command_line import run_command\n"
        "def command():\n"
        "    while True: print('x' * 1000)\n"
        "sys.exit(run_command(command))"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.stdout.close()

    assert (writer.wait(20), writer.stderr and writer.stderr.read()) == (0, "")


def test_native_noise_is_hidden_and_python_lines_are_not() -> None:
    program = (
        "import os, sys; from edge.command_line import quiet_native_code\n"
        "with quiet_native_code():\n"
        "    os.write(2, b'noise'); print('ours', file=sys.stderr)\n"
        "os.write(2, b'after')"
    )

    run = run_python("-c", program)

    assert run.stderr == "ours\nafter"
