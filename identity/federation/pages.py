"""The addresses a browser passes through: away to a provider, and back."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.errors import DomainError
from app.guards import public, writes_on_get
from identity.federation import attempt, service
from identity.federation.errors import AnswerNotTrusted
from identity.oidc import forms
from identity.oidc.errors import OAuthError
from identity.pages.log_in import refused_with
from identity.pages.shown import HOME
from identity.pages.visit import Visit, enter

blueprint = Blueprint("identity_federation", __name__)


class Begin(MethodView):
    @writes_on_get
    @public(because="nobody is logged in before")
    def get(self, key: str) -> Response:
        visit = Visit.of(request.args)
        try:
            address, begun = service.begin(key, return_to=visit.return_to)
        except DomainError as refused:
            return refused_with(refused, visit)
        answer = redirect(address, 303)
        attempt.remember(answer, begun)
        return _private(answer)


class Callback(MethodView):
    @writes_on_get
    @public(because="bound to the browser that began; the provider's signed answer is the credential")
    def get(self, key: str) -> Response:
        try:
            account, return_to = service.finish(key, request, _answer())
        except DomainError as refused:
            answer = refused_with(refused, Visit.of({"return_to": HOME}))
        else:
            answer = enter(account, ("provider",), Visit.of({"return_to": return_to}))
        attempt.forget(answer)
        return _private(answer)


blueprint.add_url_rule("/login/with/<key>", view_func=Begin.as_view("begin"))
blueprint.add_url_rule("/login/with/<key>/callback", view_func=Callback.as_view("callback"))


def _answer() -> dict[str, str]:
    try:
        return forms.query(request)
    except OAuthError:
        raise AnswerNotTrusted from None


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    # The answer's code must not travel on in a Referer.
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
