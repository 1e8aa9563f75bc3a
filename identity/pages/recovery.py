"""Recovery: which ways there are, a new password by ticket, and cancelling someone else's attempt."""

from __future__ import annotations

from flask import Blueprint, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.db import session
from app.errors import NotFound
from app.guards import public
from identity.accounts.models import Account
from identity.authenticators.guesses import TooManyGuesses
from identity.authenticators.password import WeakPassword
from identity.authenticators.sms.operator import offered
from identity.pages.shown import form, page, signed_in, to
from identity.recovery import service
from identity.sessions import tickets
from identity.sessions.tickets import WrongTicket


class Recover(MethodView):
    @public(because="for people who cannot log in")
    def get(self) -> Response:
        return page("identity/recover.html", sms=offered())

    @public(because="bound to its form; the ticket is the credential")
    def post(self) -> Response:
        params = form()
        try:
            service.by_ticket(
                params.get("ticket", ""),
                params.get("password", ""),
                lost_devices=params.get("lost") == "yes",
                source=request.remote_addr or "",
            )
        except (WrongTicket, WeakPassword, TooManyGuesses) as refused:
            return page("identity/recover.html", status=refused.status, refused=refused, sms=offered())
        return page("identity/recovered.html")


class Cancel(MethodView):
    @public(because="bound to the form of the person's own session")
    def post(self, ticket_id: str) -> Response:
        live = signed_in()
        form()
        try:
            tickets.cancel(ticket_id, account=session().get_one(Account, live.account_id))
        except NotFound:
            return to("/account/")
        return to("/account/")


def add_to(blueprint: Blueprint) -> None:
    """Add these pages."""
    blueprint.add_url_rule("/recover", view_func=Recover.as_view("recover"))
    blueprint.add_url_rule("/account/recoveries/<ticket_id>", view_func=Cancel.as_view("cancel_recovery"))
