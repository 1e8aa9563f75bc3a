"""A window's screen: the person present enters the ticket that the official handed over."""

from __future__ import annotations

from flask import Blueprint, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.guards import public
from identity.authenticators.guesses import TooManyGuesses
from identity.pages.shown import form, page
from identity.pages.visit import LevelOutOfReach, Visit, let_in
from identity.sessions import browser, tickets
from identity.sessions.tickets import WrongTicket


class Ticket(MethodView):
    @public(because="nobody is logged in before")
    def get(self) -> Response:
        return page("identity/ticket.html", visit=Visit.of(request.args))

    @public(because="bound to its form; the ticket is the credential")
    def post(self) -> Response:
        params = form()
        visit = Visit.of(params)
        try:
            account, proven = tickets.enter(params.get("ticket", ""), where=browser.where(request))
        except (WrongTicket, TooManyGuesses) as refused:
            return page("identity/ticket.html", status=refused.status, refused=refused, visit=visit)
        if proven.authentication_level < visit.wanted.authentication:
            return page("identity/ticket.html", status=409, refused=LevelOutOfReach(), visit=visit)
        return let_in(account, proven, visit)


def add_to(blueprint: Blueprint) -> None:
    """Add this page."""
    blueprint.add_url_rule("/login/ticket", view_func=Ticket.as_view("ticket"))
