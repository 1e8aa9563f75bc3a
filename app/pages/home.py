"""The citizen's home page: what the city offers, what is mine, who looked at my data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, redirect, render_template
from flask_babel import format_datetime, gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response

from app.certificates import service as certificates
from app.errors import language
from app.guards import Kind, own_party, principal, public, require
from app.notices import service as notices
from app.pages import looks, offers
from app.pages.ports import HomeCard, cards, form_token
from app.people import people
from app.subjects import directory

MESSAGES, CARDS, LOOKS = 5, 6, 100

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@public(because="the city's front door; what is personal is shown to its own session only")
def home() -> str:
    """Show the home page, personal for a citizen who is logged in."""
    party = _citizen()
    return render_template("home.html", shelves=offers.shelves(), **(_mine(party) if party else {"me": None}))


@blueprint.post("/messages/<notice_id>/read")
@require("notices:read", kinds=[Kind.CITIZEN])
def read(notice_id: str) -> Response:
    """Mark one of my messages as read."""
    notices.mark_read(notice_id, party=own_party(), language=language())
    return redirect("/#messages", 303)


def _citizen() -> str | None:
    who = principal()
    return who.party if who.kind is Kind.CITIZEN else None


def _mine(party: str) -> dict[str, Any]:
    tongue = language()
    profile = people.only().profile(party)
    token = form_token.get("identity")
    others, own = looks.of(party, limit=LOOKS)
    return {
        "me": {"name": profile.masked_name if profile else gettext("市民")},
        "form_token": token() if token else None,
        "unread": notices.unread(party),
        "messages": notices.inbox(party=party, language=tongue, cursor=None, limit=MESSAGES).items,
        "pack": certificates.card_pack(holder=party, language=tongue, limit=CARDS).items,
        "cards": [_card(card, party) for _, card in sorted(cards.all().items())],
        "looks": others,
        "own_looks": own,
    }


def _card(card: HomeCard, party: str) -> dict[str, Any]:
    tongue = language()
    subject = directory.only().subject_of(party, card.audience)
    return {
        "title": card.title.to(tongue), "empty": card.empty.to(tongue), "link": card.link,
        "rows": list(card.rows(subject)),
    }  # fmt: skip


def when(moment: datetime) -> str:
    """Return a time as the reader writes it, in the city's time zone."""
    return str(format_datetime(moment, "yyyy-MM-dd HH:mm"))


def day(moment: datetime) -> str:
    """Return a day as the reader writes it, in the city's time zone."""
    return str(format_datetime(moment, "yyyy-MM-dd"))


@blueprint.record_once
def _filters(state: Any) -> None:
    app: Flask = state.app
    app.jinja_env.filters.update(when=when, day=day)
