"""The account's start page, and the devices that are logged in."""

from __future__ import annotations

from flask import Blueprint
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.guards import public
from identity.pages.shown import HOME, form, page, signed_in, to
from identity.sessions import browser, service, tickets


class Start(MethodView):
    @public(because="asks for the person's own session itself")
    def get(self) -> Response:
        live = signed_in()
        return page("identity/account.html", live=live, recoveries=tickets.waiting(live.account_id))


class Sessions(MethodView):
    @public(because="asks for the person's own session itself")
    def get(self) -> Response:
        live = signed_in()
        return page("identity/sessions.html", live=live, sessions=service.of_person(live.person_id))

    @public(because="bound to the form of the person's own session")
    def post(self) -> Response:
        live, params = signed_in(), form()
        if params.get("which") != "all":
            service.end_all(live.person_id, but=live.id)
            return to("/account/sessions")
        service.end_all(live.person_id)
        answer = to(HOME)
        browser.forget_session(answer)
        return answer


class OneSession(MethodView):
    @public(because="bound to the form of the person's own session")
    def post(self, session_id: str) -> Response:
        live = signed_in()
        form()
        service.end_own(session_id, person_id=live.person_id)
        return to("/account/sessions" if session_id != live.id else HOME)


def add_to(blueprint: Blueprint) -> None:
    """Add these pages."""
    blueprint.add_url_rule("/account/", view_func=Start.as_view("account"))
    blueprint.add_url_rule("/account/sessions", view_func=Sessions.as_view("sessions"))
    blueprint.add_url_rule("/account/sessions/<session_id>", view_func=OneSession.as_view("one_session"))
