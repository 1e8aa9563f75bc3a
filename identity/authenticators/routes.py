"""One's own ways in, for the city's app: list, add a passkey, rename, remove."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotSignedIn
from app.guards import Kind, principal, require
from identity.accounts.models import Account
from identity.authenticators import ways
from identity.authenticators.models import Authenticator
from identity.authenticators.passkeys import register
from identity.authenticators.schemas import (
    AuthenticatorSchema,
    AuthenticatorsSchema,
    NameForm,
    PasskeyForm,
    PasskeyOptions,
)

SCOPE = "identity:authenticators"
blueprint = Blueprint("identity_authenticators", __name__, description="登录方式 · One's own ways to log in")


@blueprint.route("/me/authenticators")
class Authenticators(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(200, AuthenticatorsSchema)
    def get(self) -> dict[str, Any]:
        """Return the ways into the caller's account."""
        return {"items": ways.of(_account().id)}


@blueprint.route("/me/authenticators/passkey-options")
class Options(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(200, PasskeyOptions)
    def post(self) -> dict[str, Any]:
        """Return what `navigator.credentials.create` needs."""
        account = _changing()
        return {"options": register.options(account, browser=_binding(account))}


@blueprint.route("/me/authenticators/passkeys")
class Passkeys(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.arguments(PasskeyForm)
    @blueprint.response(201, AuthenticatorSchema)
    def post(self, form: dict[str, Any]) -> Authenticator:
        """Add a passkey by the answer to its options, once."""
        account = _changing()
        return register.register(account, json.dumps(form["credential"]), name=form["name"], browser=_binding(account))


@blueprint.route("/me/authenticators/<authenticator_id>")
class OneAuthenticator(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.arguments(NameForm)
    @blueprint.response(200, AuthenticatorSchema)
    def patch(self, form: dict[str, Any], authenticator_id: str) -> Authenticator:
        """Give a way in another name."""
        return ways.rename(_changing(), authenticator_id, form["name"])

    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self, authenticator_id: str) -> None:
        """Remove a way in; the last one stays (409)."""
        ways.remove(_changing(), authenticator_id)


def _account() -> Account:
    party = principal().party
    if party is None:
        raise NotSignedIn
    return ways.account_of(party)


def _changing() -> Account:
    who = principal()
    account = _account()
    if who.actor != who.party:
        # Whoever acts for another person never touches how that person logs in.
        raise ways.OwnerOnly
    ways.check_level(account.id, who.authentication_level)
    return account


def _binding(account: Account) -> bytes:
    # An app has no browser of ours: the challenge is bound to the app and the account instead.
    return hashlib.sha256(f"{principal().client}\n{account.id}".encode()).digest()
