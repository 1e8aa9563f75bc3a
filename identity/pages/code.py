"""Log in by a code sent to one's mobile."""

from __future__ import annotations

from flask import Blueprint, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.errors import NotFound
from app.guards import public
from identity.authenticators.guesses import TooManyGuesses
from identity.authenticators.sms import codes
from identity.authenticators.sms.operator import offered
from identity.authenticators.totp import WrongCode
from identity.pages.shown import form, page
from identity.pages.visit import Visit, go_on
from identity.sessions import browser


class Ask(MethodView):
    @public(because="nobody is logged in before")
    def get(self) -> Response:
        _offered()
        return page("identity/code.html", visit=Visit.of(request.args))

    @public(because="bound to its form; sends a code to a mobile on record and says nothing of whether there is one")
    def post(self) -> Response:
        _offered()
        params = form()
        visit = Visit.of(params)
        try:
            code_id = codes.ask_by_name(
                params.get("login_name", ""), browser=browser.binding(request), source=request.remote_addr or ""
            )
        except TooManyGuesses as refused:
            return page("identity/code.html", status=refused.status, refused=refused, visit=visit)
        return page("identity/code_sent.html", visit=visit, code_id=code_id)


class Check(MethodView):
    @public(because="bound to its form; the code is the credential")
    def post(self) -> Response:
        params = form()
        visit, code_id = Visit.of(params), params.get("code_id", "")
        try:
            account = codes.prove(
                code_id, params.get("code", ""), browser=browser.binding(request), source=request.remote_addr or ""
            )
        except (WrongCode, TooManyGuesses) as refused:
            return page("identity/code_sent.html", status=refused.status, refused=refused, visit=visit, code_id=code_id)
        return go_on(account, "sms", visit)


def add_to(blueprint: Blueprint) -> None:
    """Add these pages."""
    blueprint.add_url_rule("/login/code", view_func=Ask.as_view("code"))
    blueprint.add_url_rule("/login/code/check", view_func=Check.as_view("code_check"))


def _offered() -> None:
    if not offered():
        raise NotFound
