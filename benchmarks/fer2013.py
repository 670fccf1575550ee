"""Finds the data set that the benchmarks use."""

from pathlib import Path

from edge.errors import DataError
from train.data import Dataset, find_data, load_fer2013, votes_beside


def find_test_images(path: Path | None = None) -> Dataset | None:
    """Load FER-2013's test images and votes (from `path`, FER2013 or data/); None if there are none.

    Raises:
        DataError: they are damaged; falling back to generated faces would hide that.
    """
    try:
        found = find_data(path)
    except DataError:
        return None
    dataset = load_fer2013(found, votes_beside(found))
    if dataset.left_out:
        names = [name for names in dataset.left_out.values() for name in names]
        raise DataError(f"Expected whole images in {found}. Received: {len(names)} that can't be used, as {names[0]}")
    return dataset.test()
