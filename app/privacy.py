"""Where every part that holds data of persons says how it is handed out, erased, and what the law keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.ports import Port
from app.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What stays after an erasure, and the law that says so."""

    what: Text
    law: Text


def _nothing(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """One part's data of persons, known by the subject id of its `audience`.

    `export` returns plain JSON values. `erase` is called through the outbox
    once a person is erased: at least once, so a second time must do no harm.
    """

    audience: str
    title: Text
    export: Callable[[str], Any] = _nothing
    erase: Callable[[str], None] = _nothing
    keeps: tuple[Kept, ...] = ()


personal_data: Port[PersonalData] = Port("personal_data")
