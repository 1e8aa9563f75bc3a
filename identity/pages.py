"""Log-in, consent and log-out pages: plain forms that work without scripts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, redirect, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.errors import DomainError
from app.guards import public
from identity.accounts.models import Account
from identity.authenticators import password
from identity.authenticators.guesses import TooManyGuesses
from identity.federation.providers import offered
from identity.oidc import forms
from identity.oidc.access import Access
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client
from identity.sessions import browser, service
from identity.showing import in_words, page

blueprint = Blueprint("identity_pages", __name__, template_folder="templates")
_HOME = "/"


class LogIn(MethodView):
    @public(because="nobody is logged in before")
    def get(self) -> Response:
        return _log_in(own_path(request.args.get("return_to", "")))

    @public(because="bound to its form; the password is the credential")
    def post(self) -> Response:
        params = forms.form(request)
        browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
        return_to = own_path(params.get("return_to", ""))
        try:
            account = password.log_in(
                params.get("login_name", ""), params.get("password", ""), source=request.remote_addr or ""
            )
        except (password.WrongCredentials, TooManyGuesses) as refused:
            return log_in_refused(refused, return_to)
        return signed_in(account, return_to)


class LogOut(MethodView):
    @public(because="bound to its form; without a session there is nothing to end")
    def post(self) -> Response:
        params = forms.form(request)
        browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
        secret = browser.session_secret(request)
        if secret:
            service.end(secret)
        answer = redirect(_HOME, 303)
        browser.forget_session(answer)
        return answer


blueprint.add_url_rule("/login", view_func=LogIn.as_view("login"))
blueprint.add_url_rule("/logout", view_func=LogOut.as_view("logout"))


@blueprint.errorhandler(OAuthError)
def refusal(error: OAuthError) -> Response:
    """Return a page for a request that must not be answered by a redirect."""
    return page("identity/refusal.html", status=error.status, error=error)


def consent(client: Client, access: Access, query: str, details: list[str]) -> Response:
    """Return the consent page of one client's request."""
    scopes = tuple(dict.fromkeys(scope for scopes in access.values() for scope in scopes))
    return page("identity/consent.html", client=client, scopes=in_words(scopes), details=details, query=query)


def own_form_token() -> str:
    """Return the token for forms on the core's own pages of a logged-in browser."""
    return service.form_token(browser.form_secret(request))


def log_in_refused(refused: DomainError, return_to: str) -> Response:
    """Return the log-in page with the reason why somebody is not logged in."""
    return _log_in(return_to, status=refused.status, refused=refused)


def signed_in(account: Account, return_to: str) -> Response:
    """Begin a session of an account, always a new one, and lead on."""
    answer = redirect(return_to, 303)
    browser.remember_session(answer, service.begin(account, authentication_level=1))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _log_in(return_to: str, *, status: int = 200, **values: Any) -> Response:
    return page("identity/login.html", status=status, return_to=return_to, providers=offered(), **values)


def own_path(target: str) -> str:
    """Return a path of ours, or the start page: log-in leads nowhere else."""
    plain = target.isascii() and target.isprintable() and "\\" not in target
    if not plain or not target.startswith("/") or target.startswith("//"):
        return _HOME
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or parts.path == "/logout":
        return _HOME
    return target
