"""The base of identity's tables, all in the schema `identity`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import DeclarativeBase

from app.db import model_base

if TYPE_CHECKING:

    class Base(DeclarativeBase):
        """What mypy sees of the base made below."""

else:
    Base = model_base("identity")
