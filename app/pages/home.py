"""The citizen's home page: what the city offers, what is mine, who looked at my data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, render_template
from flask_babel import format_datetime, gettext  # type: ignore[import-untyped]

from app import audit
from app.errors import language
from app.guards import Kind, Principal, principal, public
from app.pages import actions
from app.pages.offers import services
from app.pages.ports import HomeCard, cards, form_token
from app.people import people
from app.subjects import directory

LOOKS = 20

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@public(because="the city's front door; what is personal is shown to its own session only")
def home() -> str:
    """Show the home page, personal for a citizen who is logged in."""
    who = principal()
    party = who.party if who.kind is Kind.CITIZEN else None
    mine = _mine(who, party) if party else {"me": None}
    return render_template("home.html", services=services(language()), **mine)


def _mine(who: Principal, party: str) -> dict[str, Any]:
    profile = people.only().profile(party)
    token = form_token.get("identity")
    return {
        "me": {"name": profile.masked_name if profile else gettext("市民")},
        "form_token": token() if token else None,
        "cards": [_card(card, party) for _, card in sorted(cards.all().items())],
        "looks": [_look(entry, party) for entry in audit.about(party, limit=LOOKS)],
    }


def _card(card: HomeCard, party: str) -> dict[str, Any]:
    tongue = language()
    subject = directory.only().subject_of(party, card.audience)
    return {
        "title": card.title.to(tongue), "empty": card.empty.to(tongue), "link": card.link,
        "rows": list(card.rows(subject)),
    }  # fmt: skip


def _look(entry: audit.Entry, party: str) -> dict[str, Any]:
    tongue = language()
    return {
        "at": entry.at, "action": actions.action(entry.action).to(tongue),
        "who": gettext("本人") if entry.actor == party else actions.kind(entry.kind).to(tongue),
        "purpose": entry.purpose, "outcome": actions.outcome(entry.outcome).to(tongue),
    }  # fmt: skip


def when(moment: datetime) -> str:
    """Return a time as the reader writes it, in the city's time zone."""
    return str(format_datetime(moment, "yyyy-MM-dd HH:mm"))


@blueprint.record_once
def _filters(state: Any) -> None:
    app: Flask = state.app
    app.jinja_env.filters["when"] = when
