"""The base of this plugin's tables, all in the schema `health`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api import model_base

if TYPE_CHECKING:
    from sqlalchemy.orm import DeclarativeBase

    class Base(DeclarativeBase):
        """What mypy sees of the base made below."""

else:
    Base = model_base("health")
