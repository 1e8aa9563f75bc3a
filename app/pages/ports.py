"""Where identity and plugins put what the core's pages show without importing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.ports import Port
from app.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRow:
    """One line of a card on the citizen's home page."""

    title: str
    value: str = ""
    at: datetime | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeCard:
    """A plugin's card on the home page; `rows` gets the subject id of the plugin's own audience."""

    title: Text
    empty: Text
    audience: str
    rows: Callable[[str], Sequence[HomeRow]]
    link: str | None = None


cards: Port[HomeCard] = Port("pages.cards")
# A plugin registers, under its name, how its audit actions read in "who looked at my data".
action_words: Port[Mapping[str, Text]] = Port("pages.action_words")
# Identity registers how to get the token that binds a form to this browser's session.
form_token: Port[Callable[[], str]] = Port("pages.form_token")
# Identity registers how to get the names of organisations by id; unknown ids are left out.
organisations: Port[Callable[[set[str]], dict[str, str]]] = Port("pages.organisations")
