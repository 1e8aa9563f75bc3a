"""Log-in, consent and account pages: plain forms that work without scripts."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from identity.oidc.access import Access
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client
from identity.pages import authenticators, code, log_in, qr, recovery, sessions, ticket
from identity.pages.shown import blueprint, in_words, leading_back, own_path, page
from identity.parties import names
from identity.parties.acting import Capacity
from identity.sessions import browser, service

__all__ = ["blueprint", "consent", "own_form_token", "own_path", "refusal"]

for routes in (log_in, code, qr, ticket, recovery, authenticators, sessions):
    routes.add_to(blueprint)


for start, forms_below in {
    "/login": ("passkey", "second", "second/code", "code/check", "qr", "qr/continue"),
    "/account/authenticators": ("passkeys",),
}.items():
    leading_back(blueprint, start, forms_below)


@blueprint.errorhandler(OAuthError)
def refusal(error: OAuthError) -> Response:
    """Return a page for a request that must not be answered by a redirect."""
    return page("identity/refusal.html", status=error.status, error=error)


def consent(client: Client, access: Access, query: str, details: list[str], *, capacity: Capacity) -> Response:
    """Return the consent page of one client's request; it says for whom the person acts."""
    scopes = tuple(dict.fromkeys(scope for scopes in access.values() for scope in scopes))
    return page(
        "identity/consent.html",
        client=client,
        scopes=in_words(scopes),
        details=details,
        query=query,
        capacity=capacity,
        party=names.party_of(capacity) if capacity.evidence else None,
    )


def own_form_token() -> str:
    """Return the token for forms on the core's own pages of a logged-in browser."""
    return service.form_token(browser.form_secret(request))
