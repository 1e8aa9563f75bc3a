"""The ways into one's account: passkeys, password, an app's codes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.db import session
from app.errors import DomainError, NotFound
from app.guards import public
from identity.accounts.models import Account
from identity.authenticators import totp, ways
from identity.authenticators.guesses import TooManyGuesses
from identity.authenticators.passkeys import register
from identity.authenticators.passkeys.ceremony import PasskeyRefused
from identity.authenticators.passkeys.challenge import ChallengeUnfit
from identity.authenticators.password import WeakPassword
from identity.pages.shown import form, page, signed_in, to
from identity.recovery import service as recovery
from identity.sessions import browser
from identity.sessions.service import Live

_LIST = "/account/authenticators"
_LONGEST_NAME = 40


class Authenticators(MethodView):
    @public(because="asks for the person's own session itself")
    def get(self) -> Response:
        return _list(signed_in())


class Passkeys(MethodView):
    @public(because="bound to the form of the person's own session")
    def post(self) -> Response:
        live, account, params = _changing()
        try:
            register.register(
                account, params.get("credential", ""), name=_name(params), browser=browser.binding(request)
            )
        except (PasskeyRefused, ChallengeUnfit, register.PasskeyKnown) as refused:
            return _list(live, refused)
        return to(_LIST)


class App(MethodView):
    @public(because="asks for the person's own session itself")
    def get(self) -> Response:
        live = signed_in()
        recovery.check_fresh(live)
        return _offer(_account(live))

    @public(because="bound to the form of the person's own session")
    def post(self) -> Response:
        _, account, params = _changing()
        sealed = params.get("offer", "")
        try:
            totp.confirm(account, sealed, params.get("code", ""), source=request.remote_addr or "")
        except totp.WrongCode as refused:
            return _offer(account, refused, totp.opened(account, sealed), sealed)
        except (totp.OfferExpired, totp.AlreadyThere, TooManyGuesses) as refused:
            return _offer(account, refused)
        return to(_LIST)


class Password(MethodView):
    @public(because="asks for the person's own session itself")
    def get(self) -> Response:
        recovery.check_fresh(signed_in())
        return page("identity/password.html")

    @public(because="bound to the form of the person's own session")
    def post(self) -> Response:
        live, _, params = _changing()
        try:
            recovery.by_log_in(live, params.get("password", ""))
        except WeakPassword as refused:
            return page("identity/password.html", status=refused.status, refused=refused)
        return to(_LIST)


class OneAuthenticator(MethodView):
    @public(because="bound to the form of the person's own session")
    def post(self, authenticator_id: str) -> Response:
        live, account, params = _changing()
        try:
            if params.get("action") == "remove":
                ways.remove(account, authenticator_id)
            else:
                ways.rename(account, authenticator_id, _name(params))
        except (ways.LastWayIn, NotFound) as refused:
            return _list(live, refused)
        return to(_LIST)


def add_to(blueprint: Blueprint) -> None:
    """Add these pages."""
    blueprint.add_url_rule(_LIST, view_func=Authenticators.as_view("authenticators"))
    blueprint.add_url_rule(f"{_LIST}/passkeys", view_func=Passkeys.as_view("passkeys"))
    blueprint.add_url_rule(f"{_LIST}/app", view_func=App.as_view("app"))
    blueprint.add_url_rule(f"{_LIST}/password", view_func=Password.as_view("password"))
    blueprint.add_url_rule(f"{_LIST}/<authenticator_id>", view_func=OneAuthenticator.as_view("one_authenticator"))


def _changing() -> tuple[Live, Account, dict[str, str]]:
    live, params = signed_in(), form()
    recovery.check_fresh(live)
    return live, _account(live), params


def _account(live: Live) -> Account:
    return session().get_one(Account, live.account_id)


def _name(params: dict[str, str]) -> str:
    return params.get("name", "").strip()[:_LONGEST_NAME] or "Passkey"


def _list(live: Live, refused: DomainError | None = None) -> Response:
    account = _account(live)
    held = ways.of(account.id)
    return page(
        "identity/authenticators.html", status=refused.status if refused else 200, refused=refused, live=live,
        authenticators=held, has_app=any(each.kind == totp.KIND for each in held), passkey_options=_options(account),
    )  # fmt: skip


def _options(account: Account) -> dict[str, Any] | None:
    try:
        return register.options(account, browser=browser.binding(request))
    except register.TooManyPasskeys:
        return None


def _offer(
    account: Account, refused: DomainError | None = None, secret: bytes | None = None, sealed: str = ""
) -> Response:
    if secret is None:
        secret, sealed = totp.offer(account)
    return page(
        "identity/app.html", status=refused.status if refused else 200, refused=refused, offer=sealed,
        picture=totp.picture(totp.address(secret, account)), secret=totp.readable(secret),
    )  # fmt: skip
