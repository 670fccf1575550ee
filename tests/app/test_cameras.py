"""The webcams of this machine."""

from pathlib import Path

from app.cameras import webcams


def test_webcams_are_listed_with_their_names(tmp_path: Path) -> None:
    for entry, index, name in (("video0", "0", "Built-in"), ("video1", "1", "Built-in"), ("video10", "0", "USB")):
        (tmp_path / entry).mkdir()
        (tmp_path / entry / "index").write_text(index + "\n")
        (tmp_path / entry / "name").write_text(name + "\n")
    assert webcams(tmp_path) == {"0": "Built-in", "10": "USB"}
    assert webcams(tmp_path / "missing") == {}
