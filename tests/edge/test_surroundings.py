"""A user's surroundings may lack anything: home, permission, output. One line, the right code."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT

DEMO = ("-m", "edge.run", "--headless", "--source", "demo", "--playback", "fast", "--max-frames", "3")
LONG = "x" * 5000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals and shells of Linux")


def run(*arguments: str, shell: str = "", **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Python with `arguments`; a variable that is None is unset, `shell` is appended to the command line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", sys.executable, *arguments]
    known = {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, timeout=120, errors="replace")


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": None},
        {"HOME": ""},
        {"HOME": "/dev/null"},
        {"HOME": f"/{LONG}"},
        {"XDG_CONFIG_HOME": "relative"},
        {"XDG_CONFIG_HOME": "/dev/null"},
        {"XDG_CONFIG_HOME": f"/tmp/{LONG}"},
        {"XDG_CONFIG_HOME": "/root/none\udce9"},
        {"TMPDIR": "/none"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "xx_YY", "TERM": "", "PATH": ""},
    ],
    ids=lambda variables: ",".join(f"{name}={str(value)[:20]}" for name, value in variables.items()),
)
def test_no_variable_of_the_user_is_needed(variables: dict[str, str | None]) -> None:
    ended = run(*DEMO, EMOTION_EDGE_DEVICE=None, **variables)
    assert (ended.returncode, len(ended.stdout.splitlines())) == (0, 3), ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", LONG),
        ("--csv", f"/tmp/{LONG}/x"),
        ("--video", f"{LONG}.mp4"),
        ("--snapshots", LONG),
        ("--snapshots", "/dev/null/x"),
        ("--json", "/proc/none/x"),
        ("--model", LONG),
        ("--detector", "yunet", "--detector-model", LONG),
        ("--source", LONG),
        ("--source", "/dev/null"),
        ("--source", "caf\udce9.mp4"),
    ],
    ids=lambda arguments: " ".join(arguments)[:30],
)
def test_a_place_that_can_not_be_is_one_line(arguments: tuple[str, ...]) -> None:
    command = [word for word in DEMO if arguments[0] != "--source" or word not in ("--source", "demo")]
    ended = run(*command, *arguments)
    assert ended.returncode == 1, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr[-3000:]


@pytest.mark.parametrize("variables", [{"EMOTION_EDGE_DEVICE": f"/tmp/{LONG}"}, {"EMOTION_EDGE_DEVICE": "DAMAGED"}])
def test_a_device_file_that_was_named_must_be_readable(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "device.json").write_text("[" * 100_000)
    if variables["EMOTION_EDGE_DEVICE"] == "DAMAGED":
        variables = {"EMOTION_EDGE_DEVICE": str(tmp_path / "device.json")}
    ended = run(*DEMO, **variables)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1), ended.stderr[-3000:]


def test_who_has_no_home_is_told_where_to_write(tmp_path: Path) -> None:
    ended = run("-m", "edge.tune", "--seconds", "0.001", EMOTION_EDGE_DEVICE=None, HOME="relative")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "--out" in ended.stderr


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_folder_that_may_not_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    as_nobody = ["unshare", "--map-user=12345", sys.executable]
    for option in ("--json", "--csv", "--video", "--snapshots"):
        ended = subprocess.run(
            [*as_nobody, *DEMO, option, str(tmp_path / "x.avi")], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        if "unshare" in ended.stderr:
            pytest.skip("no user namespaces here")
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
        assert "permission" in ended.stderr.lower()
    tmp_path.chmod(0o755)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_file_and_no_fault(closed: str, tmp_path: Path) -> None:
    before = set(ROOT.iterdir())
    ended = run(*DEMO, "--json", str(tmp_path / "lines"), shell=closed)
    assert ended.returncode == 0, ended.stderr
    assert len((tmp_path / "lines").read_text().splitlines()) == 3
    assert set(ROOT.iterdir()) == before
    assert "Traceback" not in ended.stderr
    assert len(ended.stdout.splitlines()) == (0 if ">&-" in closed.split() else 3)


@pytest.mark.parametrize(("shell", "code"), [("> /dev/full", 1), ("2> /dev/full", 0), ("2>&1 | head -1", 0)])
def test_an_output_that_takes_nothing_is_no_defect(shell: str, code: int) -> None:
    ended = run(*DEMO, shell=shell)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


@pytest.mark.parametrize("module", ["edge", "edge.run", "edge.tune", "convert", "train"])
def test_ctrl_c_while_modules_load_ends_quietly(module: str, tmp_path: Path) -> None:
    """NumPy's import sends the signal: the same moment on every machine."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    ended = run("-m", module, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert (ended.returncode, ended.stderr) == (130, "")


def test_a_reader_that_sleeps_does_not_keep_a_run_from_its_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge.run", "--headless", "--playback", "fast", "--source", "demo"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
        time.sleep(8)  # the pipe is full by now, or the machine is busy: the end is the same
        process.terminate()
        assert process.wait(20) in (0, 1)
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert process.stdout
    process.stdout.close()


def test_sighup_opens_the_files_anew_and_a_service_lives_on(tmp_path: Path) -> None:
    with _running("--json", str(tmp_path / "lines")) as process:
        _until(lambda: (tmp_path / "lines").exists())
        (tmp_path / "lines").rename(tmp_path / "lines.1")
        process.send_signal(signal.SIGHUP)
        _until(lambda: (tmp_path / "lines").exists())
        assert process.poll() is None
        process.terminate()
        assert process.wait(20) == 0


def test_a_terminal_that_is_closed_ends_the_run(tmp_path: Path) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ["PYTHONPATH"] = str(ROOT)
        log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 2)
        os.execv(sys.executable, [sys.executable, "-m", "edge.run", "--headless", "--source", "demo"])
    assert os.read(terminal, 100)
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    assert "frames in" in (tmp_path / "log").read_text()


def _running(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "edge.run", "--headless", "--source", "demo", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _until(true: object, seconds: float = 30) -> None:
    end_s = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end_s
        time.sleep(0.05)
