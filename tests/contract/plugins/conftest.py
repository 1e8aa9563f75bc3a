"""One environment with all distributions installed, good and broken, beside the real city."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.plugins.distributions import BROKEN, GOOD, install, write
from tests.contract.plugins.installation import Installation, installation


@pytest.fixture(scope="session")
def crowded(base_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with every good and every broken distribution."""
    folder = tmp_path_factory.mktemp("distributions")
    target = folder / "installed"
    install([write(name, folder) for name in (*GOOD, *BROKEN)], target)
    with installation(base_server, folder, [target]) as made:
        yield made
