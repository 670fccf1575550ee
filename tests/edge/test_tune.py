"""Measuring candidates, choosing among them, and the defaults that follow from it."""

import argparse
from pathlib import Path

import pytest

from edge.config import DEVICE_FILE_VARIABLE, add_arguments, config_from
from edge.errors import ConfigError, EmotionError, SinkError
from edge.tune import Measurement, best, format_table, measure_detectors, median_ms, write_device_file


def _measured(milliseconds: float, **options: str | int) -> Measurement:
    return Measurement("classify", options, milliseconds)


def test_the_first_that_is_about_as_good_as_the_fastest_is_chosen() -> None:
    candidates = [_measured(5.0, threads=1), _measured(2.1, threads=2), _measured(2.0, threads=4)]
    assert best(candidates).options == {"threads": 2}
    assert format_table(candidates, [candidates[1]]).splitlines()[1].startswith("* classify")


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(EmotionError, match="none"):
        best([])


def test_the_chosen_options_are_the_defaults_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "device.json"
    monkeypatch.setenv(DEVICE_FILE_VARIABLE, str(path))
    write_device_file(
        path, [_measured(1.0, model="float16", threads=2), Measurement("detect", {"detector": "haar"}, 2)]
    )
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    config = config_from(parser.parse_args(["--threads", "1"]))
    assert (config.model, config.threads, config.detector) == ("float16", 1, "haar")
    assert [path.name for path in path.parent.iterdir()] == ["device.json"]


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="device"):
        write_device_file(tmp_path / "file" / "device.json", [_measured(1.0, threads=1)])


@pytest.mark.parametrize("text", ["{", "[]", '{"options": {"detector": "dlib"}}', '{"options": {"bogus": 1}}'])
def test_a_damaged_device_file_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "device.json").write_text(text)
    monkeypatch.setenv(DEVICE_FILE_VARIABLE, str(tmp_path / "device.json"))
    with pytest.raises(ConfigError, match=r"device\.json"):
        add_arguments(argparse.ArgumentParser())


def test_detectors_are_measured_on_a_real_face_near_and_far() -> None:
    measured = {str(each.options["detector"]): each for each in measure_detectors(0.02)}
    assert list(measured) == ["blazeface", "blazeface-short-range", "haar"]
    assert measured["blazeface"].seen == 1.0
    assert median_ms(lambda: None, 0.01) < 1


def test_a_detector_that_sees_less_is_not_chosen_for_its_speed() -> None:
    blind = Measurement("detect", {"detector": "blazeface-short-range"}, 1.0, seen=0.5)
    seeing = Measurement("detect", {"detector": "blazeface"}, 9.0)
    assert best([blind, seeing]) is seeing
    assert "sees 50%" in format_table([blind, seeing], [seeing])
