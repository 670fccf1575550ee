"""Options from a TOML file and the environment: every option is a key, and the stronger place wins."""

import argparse
import sys
from pathlib import Path

import pytest

from edge.config import PER_CAMERA, EdgeConfig, config_from
from edge.config_file import format_config, read_arguments
from edge.engine import Engine
from edge.run import PRINTED, build_parser, main
from tests.fakes import FakeClassifier, FakeDetector

HALL = 'fps = 5\n[camera.hall]\nsource = "demo"\nrotate = 180\n[camera.door]\nsource = "0"\n'


def read(folder: Path, text: str, *argv: str) -> argparse.Namespace:
    """What the command takes from this file and these arguments."""
    (folder / "edge.toml").write_text(text)
    return read_arguments(build_parser(), ["--config", str(folder / "edge.toml"), *argv], PRINTED)


def refused(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that refuses this file."""
    with pytest.raises(SystemExit) as ended:
        read(folder, text)
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1), said
    return said


def test_every_option_is_a_key() -> None:
    parser = build_parser()
    names = {action.dest for action in parser._actions} - {"help", "config", "print_config", *PRINTED}
    text = format_config(parser, read_arguments(parser, [], PRINTED), PRINTED)
    assert {line.removeprefix("# ").split(" = ")[0] for line in text.splitlines() if " = " in line} >= names
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == []


def test_the_file_is_below_the_environment_and_that_below_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'fps = 5\nmin-face = 60\nmirror = true\nmax_frames = 7\njson = "a.jsonl"\nsource = ["0", "1"]\n'
    monkeypatch.setenv("EMOTION_EDGE_MIN_FACE", "80")
    monkeypatch.setenv("EMOTION_EDGE_MIRROR", "no")
    monkeypatch.setenv("EMOTION_EDGE_SERVICE_HOST", "10.0.0.1")  # Kubernetes makes such variables by itself
    given = read(tmp_path, text, "--max-frames", "9")
    assert (given.fps, given.min_face, given.mirror, given.max_frames) == (5.0, 80, False, 9)
    assert (given.json, given.source, given.threads) == (Path("a.jsonl"), ["0", "1"], 1)
    assert read(tmp_path, text, "--source", "demo").source == ["demo"]
    assert read(tmp_path, "headless = true", "--no-headless").headless is False


def test_a_variable_may_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "edge.toml").write_text("fps = 3")
    monkeypatch.setenv("EMOTION_EDGE_CONFIG", str(tmp_path / "edge.toml"))
    assert read_arguments(build_parser(), [], PRINTED).fps == 3


def test_a_camera_has_options_of_its_own_unless_a_stronger_place_has_them(tmp_path: Path) -> None:
    config = config_from(read(tmp_path, HALL))
    assert config.sources == ("hall=demo", "door=0")
    assert (config.of("hall").rotate, config.of("door").rotate, config.rotate) == (180, 0, 0)
    assert config_from(read(tmp_path, HALL, "--rotate", "90")).of("hall").rotate == 90
    assert config_from(read(tmp_path, HALL, "--source", "demo")).camera_options == {}


def test_the_engine_uses_a_cameras_own_options() -> None:
    own = {"hall": {"rotate": 90, "threshold": 0.9, "fps": 2.0}}
    config = EdgeConfig(source=("hall=demo", "door=demo"), playback="fast", camera_options=own)
    seen = {}
    with Engine(config, FakeDetector(), FakeClassifier()) as engine:
        for frame, _ in engine.results():
            seen[frame.source] = frame.image.shape[:2], engine._pipeline(frame.source).config.threshold
            if len(seen) == 2:
                break
        assert [engine._limiter(name).fps for name in ("hall", "door")] == [2.0, 15.0]
    assert seen == {"hall": ((640, 480), 0.9), "door": ((480, 640), 0.5)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fsp = 3", "in {file}; the nearest is fps. Received: fsp"),
        ("[camera.hall]\nsource = '0'\nrotat = 90", "in [camera.hall] of {file}; the nearest is rotate."),
        ("[camera.hall]\nsource = '0'\ndetector = 'haar'", "Received: detector"),
        ("[camera.hall]\nrotate = 90", "Expected one source in [camera.hall]"),
        ("[camera.hall]\nsource = '0'\nrotate = 45", "in [camera.hall] of {file}: argument --rotate: invalid choice"),
        ("camera = 3", "Expected sections [camera.NAME]"),
        ("[output]\ncsv = 'a'", "the nearest is"),
        ("fps = 'many'", "in {file}: argument --fps: invalid float value: 'many'"),
        ("fps = [1, 2]", "Expected a text or a number for fps"),
        ("mirror = 'yes'", "Expected true or false for mirror"),
        ("fps = ", "Expected a TOML file at {file}. Received: Invalid value"),
    ],
)
def test_a_wrong_file_is_one_line(text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told.format(file=tmp_path / "edge.toml") in refused(tmp_path, text, capsys)


def test_no_password_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "rtsp://me:hunter2@host/stream"
    assert "hunter2" not in refused(tmp_path, f"fps = '{secret}'", capsys)
    assert "hunter2" not in refused(tmp_path, f"mirror = '{secret}'", capsys)
    assert "hunter2" not in refused(tmp_path, f"fps = ['{secret}']", capsys)
    assert "hunter2" not in refused(tmp_path, "snapshot_token = ['hunter2']", capsys)
    (tmp_path / "edge.toml").write_text(f"mqtt = 'mqtt://me:hunter2@broker'\n[camera.hall]\nsource = '{secret}'\n")
    assert main(["--config", str(tmp_path / "edge.toml"), "--print-config"]) == 0
    printed = capsys.readouterr().out
    assert 'source = "rtsp://host/stream"' in printed
    assert "hunter2" not in printed


def test_what_is_printed_is_the_same_configuration(tmp_path: Path) -> None:
    given = read(tmp_path, HALL + 'smoothing_s = 1.5\n[camera."a b"]\nsource = "1"\n', "--emit", "changes")
    again = read(tmp_path, format_config(build_parser(), given, PRINTED))
    assert vars(again) == vars(given) | {"config": again.config}


def test_nothing_that_differs_from_its_default_is_a_comment(tmp_path: Path) -> None:
    falsy = {int: "0", float: "0", str: "", None: "", Path: ""}
    actions = [one for one in build_parser()._actions if one.nargs is None and one.type in falsy and not one.choices]
    words = [f"{one.option_strings[0]}={falsy[one.type]}" for one in actions]  # type: ignore[index]
    words = [word for word in words if not word.startswith(("--source", "--snapshot-token", "--config"))]
    assert {"--fps=0", "--threshold=0", "--mqtt-discovery=", "--metrics="} <= set(words)
    given = read_arguments(build_parser(), words, PRINTED)
    again = read(tmp_path, format_config(build_parser(), given, PRINTED))
    assert vars(again) == vars(given) | {"config": again.config}


def test_options_of_one_camera_are_checked() -> None:
    assert set(PER_CAMERA) <= set(vars(EdgeConfig()))
    for wrong in ({"rotate": 45}, {"detector": "haar"}, {"source": "1"}):
        with pytest.raises(ValueError, match="Received"):
            EdgeConfig(camera_options={"hall": wrong})


def test_python_without_a_toml_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    assert "pip install tomli" in refused(tmp_path, "fps = 3", capsys)
