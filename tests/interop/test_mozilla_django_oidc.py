"""mozilla-django-oidc, unmodified, in a Django of its own: an older web application with a secret and RS256."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.interop import clients
from tests.interop.citizen import Citizen
from tests.served import City

django = pytest.importorskip("django", reason="not installed: requirements/interop.lock")
pytest.importorskip("mozilla_django_oidc", reason="not installed: requirements/interop.lock")


def username_of(email: str | None, claims: dict[str, Any]) -> str:
    """Name a user by the city's subject id, as the library's documentation shows for providers without e-mail."""
    return base64.urlsafe_b64encode(hashlib.sha256(claims["sub"].encode()).digest())[:30].decode()


@pytest.fixture(scope="module")
def site(city: City) -> Any:
    """Return a Django site with the library's own addresses, its users in memory."""
    from django.conf import settings

    me = clients.older(city)
    settings.configure(
        SECRET_KEY="interop",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.interop.django_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
        LOGIN_REDIRECT_URL="/welcome",
        LOGIN_REDIRECT_URL_FAILURE="/failed",
        OIDC_RP_CLIENT_ID=me["client_id"],
        OIDC_RP_CLIENT_SECRET=me["client_secret"],
        OIDC_RP_SIGN_ALGO="RS256",
        OIDC_RP_SCOPES="openid profile",
        OIDC_USE_PKCE=True,
        OIDC_TOKEN_USE_BASIC_AUTH=True,
        OIDC_STORE_ID_TOKEN=True,
        OIDC_USERNAME_ALGO="tests.interop.test_mozilla_django_oidc.username_of",
        OIDC_OP_AUTHORIZATION_ENDPOINT=f"{city.base}/oauth2/authorize",
        OIDC_OP_TOKEN_ENDPOINT=f"{city.base}/oauth2/token",
        OIDC_OP_USER_ENDPOINT=f"{city.base}/oauth2/userinfo",
        OIDC_OP_JWKS_ENDPOINT=f"{city.base}/oauth2/jwks",
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.test import Client

    return Client(HTTP_HOST=urlsplit(me["redirect_uris"][0]).netloc)


def test_a_django_site_logs_a_citizen_in(site: Any, city: City, citizen: Citizen) -> None:
    away = site.get("/oidc/authenticate/")
    callback = citizen.visit(away["Location"])
    assert callback.startswith(clients.older(city)["redirect_uris"][0])
    parts = urlsplit(callback)

    welcome = site.get(f"{parts.path}?{parts.query}")

    assert welcome["Location"] == "/welcome"
    assert len(site.session["_auth_user_id"]) > 0
    assert site.session["oidc_id_token"].count(".") == 2


def test_a_django_site_refuses_a_callback_it_did_not_begin(site: Any) -> None:
    answer = site.get("/callback?code=guessed&state=guessed")

    assert answer.status_code == 400
