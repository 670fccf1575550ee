"""The workshop: two small networks, trained and converted once for all tests."""

import pytest

from tests.convert.workshop import Workshop, build_workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return build_workshop(tmp_path_factory.mktemp("workshop"))
