"""The data set that the benchmarks measure on, where it lies."""

from pathlib import Path

from edge.errors import DataError
from train.data import Dataset, find_data, load_fer2013, votes_beside


def find_test_images(path: Path | None = None) -> Dataset | None:
    """FER-2013's test images and votes where they lie (`path`, FER2013 or data/); None if nothing is there.

    Raises:
        DataError: they are there and damaged: generated faces in their place would hide it.
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
