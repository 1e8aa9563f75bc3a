"""Log in: who and what proves it, a passkey, the second factor; and log out."""

from __future__ import annotations

from flask import Blueprint, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.errors import DomainError
from app.guards import public
from identity.authenticators import password, second
from identity.authenticators.guesses import TooManyGuesses
from identity.authenticators.passkeys import log_in as passkey
from identity.authenticators.passkeys.ceremony import PasskeyRefused
from identity.authenticators.passkeys.challenge import ChallengeUnfit
from identity.authenticators.second import LogInExpired
from identity.authenticators.sms import codes
from identity.authenticators.totp import WrongCode
from identity.pages.shown import HOME, form, page, to
from identity.pages.visit import Visit, ask, enter, go_on
from identity.sessions import browser, service


class LogIn(MethodView):
    @public(because="nobody is logged in before")
    def get(self) -> Response:
        return page("identity/login.html", **Visit.of(request.args).values())

    @public(because="bound to its form; the password is the credential")
    def post(self) -> Response:
        params = form()
        visit = Visit.of(params)
        try:
            account = password.log_in(
                params.get("login_name", ""), params.get("password", ""), source=request.remote_addr or ""
            )
        except (password.WrongCredentials, TooManyGuesses) as refused:
            return refused_with(refused, visit)
        return go_on(account, password.KIND, visit)


class Passkey(MethodView):
    @public(because="bound to its form; the passkey is the credential")
    def post(self) -> Response:
        params = form()
        visit = Visit.of(params)
        try:
            account = passkey.prove(
                params.get("credential", ""), browser=browser.binding(request), source=request.remote_addr or ""
            )
        except (PasskeyRefused, ChallengeUnfit, TooManyGuesses) as refused:
            return refused_with(refused, visit)
        return enter(account, ("passkey",), visit)


class Second(MethodView):
    @public(because="bound to its form; continues a log-in whose first factor is proven")
    def post(self) -> Response:
        params = form()
        visit, bound, source = Visit.of(params), browser.binding(request), request.remote_addr or ""
        code_id = params.get("code_id", "")
        try:
            step = second.resumed(params.get("pending", ""), browser=bound)
        except LogInExpired as refused:
            return refused_with(refused, visit)
        try:
            methods = second.prove(
                step, params.get("way", ""), params.get("code", ""), code_id=code_id, browser=bound, source=source
            )
        except (WrongCode, password.WrongCredentials, TooManyGuesses) as refused:
            return ask(step, visit, status=refused.status, refused=refused, code_id=code_id)
        except LogInExpired as refused:
            return refused_with(refused, visit)
        return enter(step.account, methods, visit)


class SecondCode(MethodView):
    @public(because="bound to its form; sends a code to the person whose first factor is proven")
    def post(self) -> Response:
        params = form()
        visit, bound = Visit.of(params), browser.binding(request)
        try:
            step = second.resumed(params.get("pending", ""), browser=bound)
        except LogInExpired as refused:
            return refused_with(refused, visit)
        try:
            code_id = codes.ask(step.account, browser=bound, source=request.remote_addr or "")
        except TooManyGuesses as refused:
            return ask(step, visit, status=refused.status, refused=refused)
        return ask(step, visit, code_id=code_id)


class LogOut(MethodView):
    @public(because="bound to its form; without a session there is nothing to end")
    def post(self) -> Response:
        form()
        secret = browser.session_secret(request)
        if secret:
            service.end(secret)
        answer = to(HOME)
        browser.forget_session(answer)
        return answer


def add_to(blueprint: Blueprint) -> None:
    """Add these pages."""
    blueprint.add_url_rule("/login", view_func=LogIn.as_view("login"))
    blueprint.add_url_rule("/login/passkey", view_func=Passkey.as_view("passkey"))
    blueprint.add_url_rule("/login/second", view_func=Second.as_view("second"))
    blueprint.add_url_rule("/login/second/code", view_func=SecondCode.as_view("second_code"))
    blueprint.add_url_rule("/logout", view_func=LogOut.as_view("logout"))


def refused_with(refused: DomainError, visit: Visit) -> Response:
    """Return the log-in page that says why a way in was refused."""
    return page("identity/login.html", status=refused.status, refused=refused, **visit.values())
