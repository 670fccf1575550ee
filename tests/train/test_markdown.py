"""Tables and marked parts of documents."""

import pytest

from edge.errors import DataError
from train.markdown import between_marks, table


def test_columns_line_up_and_figures_are_set_to_the_right() -> None:
    lines = table(("file", "kB"), [("a.tflite", "1,130"), ("b", 7)])
    assert lines == [
        "| file     |    kB |",
        "| -------- | ----: |",
        "| a.tflite | 1,130 |",
        "| b        |     7 |",
    ]


def test_a_table_may_have_no_rows() -> None:
    assert table(("a", "b"), []) == ["| a   | b   |", "| --- | --- |"]


def test_what_is_between_the_marks_is_replaced_and_nothing_else() -> None:
    text = "before\n<!-- models -->\n| old |\n<!-- /models -->\nafter\n"
    assert between_marks(text, "models", "| new |\n") == text.replace("old", "new")
    with pytest.raises(DataError, match="<!-- report -->"):
        between_marks(text, "report", "")
