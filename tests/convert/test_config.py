"""Options of a conversion."""

from pathlib import Path

import pytest

from convert.config import ConvertConfig
from edge.errors import ConfigError


@pytest.mark.parametrize(
    "options", [{"samples": 0}, {"variants": ()}, {"variants": ("int4",)}, {"sparsity": 1.0}, {"max_drop": -1.0}]
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="Received: "):
        ConvertConfig(Path("model.keras"), **options)  # type: ignore[arg-type]
