"""A pharmacy with a terminal, and a citizen whose face is enrolled."""

from __future__ import annotations

from typing import Any

import pytest

from identity.parties.models import Organisation, Person
from tests.api.presence.builders import Terminal, enrolled, organisation, terminal


@pytest.fixture
def pharmacy(work: Any) -> Organisation:
    """A registered pharmacy."""
    return organisation()


@pytest.fixture
def counter(pharmacy: Organisation, sign_in: Any) -> Terminal:
    """A terminal of the pharmacy."""
    return terminal(pharmacy, sign_in)


@pytest.fixture
def lin(work: Any) -> Person:
    """A citizen whose face is enrolled."""
    return enrolled()
