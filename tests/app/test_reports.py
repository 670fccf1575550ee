"""What the app says of how right a model is: it lies beside the app, and it is what the reports say."""

import json
from configparser import ConfigParser
from pathlib import Path

import pytest

from app import reports
from benchmarks import model_figures
from edge.model_info import PEOPLE, Head, ModelInfo

APP = Path(reports.__file__).parent


@pytest.mark.parametrize(("sha256", "is_known"), [("abc", True), ("other", False)])
def test_figures_of_another_network_are_not_told(tmp_path: Path, sha256: str, is_known: bool) -> None:
    path = tmp_path / "figures.json"
    path.write_text(json.dumps({"keras_sha256": "abc", "scores": {"people": 1}, "conversion": {"int8": 2}}))
    info = ModelInfo("edge", keras_sha256=sha256)
    assert reports.training_scores(info, path) == ({"people": 1} if is_known else {})
    assert reports.conversion_losses(info, path) == ({"int8": 2} if is_known else {})


def test_the_file_beside_the_app_is_what_the_reports_say() -> None:
    info = reports.bundled()[0].info
    assert model_figures.figures_of(info.keras_sha256) == reports.FIGURES.read_text(), (
        "python -m benchmarks.model_figures --out app/figures.json"
    )
    assert reports.training_scores(info)[PEOPLE][reports.MAJORITY][reports.SPLIT]["count"] > 3000
    assert reports.conversion_losses(info)["int8"][PEOPLE]["agreement"] > 0.98


def test_everything_that_the_app_reads_is_installed_with_it() -> None:
    setup = ConfigParser()
    setup.read(APP.parent / "setup.cfg")
    installed = setup["options.package_data"]["app"].split()
    assert sorted(installed) == sorted(path.name for path in APP.iterdir() if path.is_file() and path.suffix != ".py")
    assert not [path.name for path in APP.glob("*.py") if "docs" in path.read_text()]


@pytest.mark.parametrize(
    ("accuracy", "told"),
    [({"FER+ majority": {"PrivateTest": 0.8534}}, 85), ({"FER+ majority": {}}, None), ({}, None)],
)
def test_one_figure_is_the_contract_s(accuracy: dict[str, dict[str, float]], told: int | None) -> None:
    assert reports.of_a_hundred(ModelInfo("edge", heads=(Head(PEOPLE, accuracy=accuracy),))) == told
