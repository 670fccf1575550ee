"""The configuration checks itself, and the command line reads its defaults."""

import argparse
from dataclasses import fields
from pathlib import Path

import pytest

from edge.config import EdgeConfig, add_arguments, config_from, device_defaults
from edge.errors import ConfigError


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("detector", "dlib"),
        ("runtime", "onnx"),
        ("threads", 0),
        ("threads", 1.5),
        ("detect_every", 0),
        ("threshold", 1.5),
        ("threshold", float("nan")),
        ("min_face", "small"),
        ("playback", "slow"),
        ("source", ""),
        ("source", ("demo", "demo")),
        ("source", ("http://host/s?token=a", "http://host/s?token=b")),
        ("detector", "yunet"),
        ("source", None),
        ("source", 1.5),
        ("source", True),
        ("source", b"0"),
        ("source", ("demo", None)),
        ("source", ()),
        ("device_name", 5),
        ("model", None),
        ("model", 5),
        ("delegate", None),
        ("camera_options", None),
        ("camera_options", 5),
        ("camera_options", {"a": 5}),
        ("camera_options", {"a": None}),
    ],
)
def test_a_value_outside_its_range_is_refused_with_the_value(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=r"Received: .+") as caught:
        EdgeConfig(**{option: value})  # type: ignore[arg-type]
    assert option in str(caught.value)


def test_paths_and_indices_are_taken_as_texts() -> None:
    assert EdgeConfig(source=0) == EdgeConfig(source="0")
    assert EdgeConfig(source=Path("clip.mp4")).sources == ("clip.mp4",)
    assert EdgeConfig(source=[0, Path("a.mp4"), "door=1"]) == EdgeConfig(source=("0", "a.mp4", "door=1"))
    config = EdgeConfig(model=Path("m.tflite"), delegate=Path("lib.so"))  # type: ignore[arg-type]
    assert (config.model, config.delegate) == ("m.tflite", "lib.so")


def test_a_wrong_source_is_told_without_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        EdgeConfig(source=("rtsp://me:hunter2@host/s", None))  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_the_command_line_without_options_is_the_default_configuration() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert config_from(parser.parse_args([])) == EdgeConfig()


def test_every_field_is_an_option_with_a_help_text() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    flags = {action.dest for action in parser._actions if action.help}
    assert {field.name for field in fields(EdgeConfig)} - flags == {"camera_options"}  # of the file's sections


def test_several_sources_are_kept_in_order() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    config = config_from(parser.parse_args(["--source", "demo", "--source", "0"]))
    assert config.sources == ("demo", "0")


def test_sources_come_from_the_environment_unless_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_EDGE_SOURCE", "rtsp://me:pass@host/s  0")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert config_from(parser.parse_args([])).sources == ("rtsp://me:pass@host/s", "0")
    assert config_from(parser.parse_args(["--source", "demo"])).sources == ("demo",)
    assert "pass" not in parser.format_help()


def test_a_user_without_a_home_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    monkeypatch.setenv("EMOTION_EDGE_DEVICE", "/none/device.json")
    assert device_defaults() == {}


def test_a_variant_name_is_the_bundled_file_and_a_path_is_itself() -> None:
    assert EdgeConfig(model="float16").model_path.name == "emotion_float16.tflite"
    assert str(EdgeConfig(model="my/model.tflite").model_path) == "my/model.tflite"
