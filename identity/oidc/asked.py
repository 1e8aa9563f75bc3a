"""An authorization request, checked: client and redirect URI first, since nothing is sent anywhere before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from identity.oidc import clients, details, dpop, forms, hints, pushed
from identity.oidc.access import asked_access
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client
from identity.oidc.reply import Turned

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_ACR = re.compile(r"ial([0-9])\.aal([0-9])")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A checked authorization request.

    `levels` are the proofing and authentication levels of `acr_values`, any
    of which will do. `uri_hash` names the pushed request it came in.
    """

    client: Client
    redirect_uri: str
    access: dict[str, list[str]]
    code_challenge: str
    state: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None
    levels: tuple[tuple[int, int], ...] = ()
    hinted_subject: str | None = None
    login_hint: str | None = None
    ui_locales: str | None = None
    details: details.Details = field(default_factory=list)
    jkt: str | None = None
    uri_hash: bytes | None = None


def checked(params: dict[str, str]) -> Asked:
    """Return a browser's request.

    Raises `OAuthError` while it is not sure where to answer, `Turned` from then on.
    """
    client = clients.known_client(forms.needed(params, "client_id"))
    if "request_uri" in params:
        loaded = pushed.load(params)
        return _answerable(client, loaded.parameters, jkt=loaded.jkt, uri_hash=loaded.uri_hash)
    if client.profile == "fapi2":
        raise OAuthError("invalid_request", "this client must push its requests (RFC 9126)")
    return _answerable(client, params, jkt=params.get("dpop_jkt"), uri_hash=None)


def checked_push(client: Client, params: dict[str, str]) -> None:
    """Check a request that is pushed; raises `OAuthError`, since no browser is there to be sent back."""
    _rest(client, _registered(client, params), params, jkt=params.get("dpop_jkt"), uri_hash=None)


def _answerable(client: Client, params: dict[str, str], *, jkt: str | None, uri_hash: bytes | None) -> Asked:
    redirect_uri = _registered(client, params)
    try:
        return _rest(client, redirect_uri, params, jkt=jkt, uri_hash=uri_hash)
    except OAuthError as error:
        raise Turned(redirect_uri, error.error, params.get("state")) from None


def _registered(client: Client, params: dict[str, str]) -> str:
    redirect_uri = forms.needed(params, "redirect_uri")
    if redirect_uri not in client.redirect_uris:
        raise OAuthError("invalid_request", "redirect_uri is not registered, sign by sign, for this client")
    if "authorization_code" not in client.grant_types:
        raise OAuthError("unauthorized_client", "this client cannot log people in")
    return redirect_uri


def _rest(
    client: Client, redirect_uri: str, params: dict[str, str], *, jkt: str | None, uri_hash: bytes | None
) -> Asked:
    _check_mode(params)
    access = asked_access(params, client.access)
    return Asked(
        client=client,
        redirect_uri=redirect_uri,
        access=access,
        details=details.asked(params, client, list(access)),
        code_challenge=_challenge(params),
        state=params.get("state"),
        nonce=_short(params.get("nonce")),
        prompt=_prompt(params),
        max_age=_max_age(params.get("max_age")),
        levels=_levels(params.get("acr_values", "")),
        hinted_subject=hints.subject_of(params.get("id_token_hint"), client),
        login_hint=params.get("login_hint"),
        ui_locales=params.get("ui_locales"),
        jkt=_thumbprint(jkt),
        uri_hash=uri_hash,
    )


def _check_mode(params: Mapping[str, str]) -> None:
    if params.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "only code is offered")
    if "request" in params:
        raise OAuthError("request_not_supported", "send plain parameters, or push them")
    if params.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "only response_mode query is offered")


def _challenge(params: Mapping[str, str]) -> str:
    challenge = params.get("code_challenge", "")
    if params.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "PKCE with S256 is needed")
    return challenge


def _short(nonce: str | None) -> str | None:
    if nonce is not None and len(nonce) > 255:
        raise OAuthError("invalid_request", "nonce is too long")
    return nonce


def _prompt(params: Mapping[str, str]) -> frozenset[str]:
    asked = frozenset(params.get("prompt", "").split())
    if not asked <= _PROMPTS or ("none" in asked and len(asked) > 1):
        raise OAuthError("invalid_request", "prompt is none, or of login, consent and select_account")
    return asked


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise OAuthError("invalid_request", "max_age is a number of seconds")
    return int(text)


def _levels(acr_values: str) -> tuple[tuple[int, int], ...]:
    # Values we do not know are no wish we could fail (OpenID Connect Core, 3.1.2.1: a voluntary claim).
    known = (_ACR.fullmatch(each) for each in acr_values.split()[:10])
    return tuple((int(found[1]), int(found[2])) for found in known if found is not None)


def _thumbprint(jkt: str | None) -> str | None:
    if jkt is not None and not dpop.thumbprint(jkt):
        raise OAuthError("invalid_request", "dpop_jkt is a SHA-256 thumbprint")
    return jkt
