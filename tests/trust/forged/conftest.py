"""The forger's browser is identity's: its requests share no memory of each other."""

from tests.api.identity.conftest import client

__all__ = ["client"]
