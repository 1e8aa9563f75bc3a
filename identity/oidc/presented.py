"""How a request shows its access token: as bearer (RFC 6750) or with the proof of its key (RFC 9449, 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request, after_this_request
from werkzeug.wrappers import Response

from app.errors import NotSignedIn
from identity.oidc import dpop, forms, replay
from identity.oidc.errors import OAuthError

BEARER, DPOP = "Bearer", "DPoP"
_ALGORITHMS = " ".join(dpop.ALGORITHMS)
# RFC 6750, 2.2: the form is offered where OpenID Connect Core, 5.3.1 asks for it and nowhere else.
_FORM_AT = "/oauth2/userinfo"


@dataclass(frozen=True, slots=True)
class Shown:
    """A token and the way it was shown."""

    scheme: str
    token: str


def shown_by(incoming: Request) -> Shown | None:
    """Return the one token of a request, None without any; raises `NotSignedIn`."""
    headers = incoming.headers.getlist("Authorization")
    in_form = _in_form(incoming)
    if len(headers) + (in_form is not None) > 1:
        raise refused(BEARER, "a request shows one token, once")
    if in_form is not None:
        return Shown(BEARER, in_form)
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    found = {BEARER.lower(): BEARER, DPOP.lower(): DPOP}.get(scheme.lower())
    if found is None:
        raise refused(BEARER, "one Authorization header with a Bearer or DPoP token is accepted")
    return Shown(found, token)


def check_key(shown: Shown, claims: Mapping[str, Any], incoming: Request) -> None:
    """Check that a bound token comes with a fresh proof of its key, and no other with any; raises `NotSignedIn`."""
    bound = claims.get("cnf")
    if shown.scheme == BEARER:
        if bound is not None:
            raise refused(DPOP, "the token is bound to a key: show it as DPoP, with a proof")
        return
    jkt = bound.get("jkt") if isinstance(bound, Mapping) else None
    if not isinstance(jkt, str):
        raise refused(DPOP, "the token is bound to no key: show it as Bearer")
    _check_proof(jkt, shown.token, incoming)


def refused(scheme: str, reason: str, *, error: str = "invalid_token") -> NotSignedIn:
    """Return the refusal with the challenge of its scheme."""
    algorithms = f', algs="{_ALGORITHMS}"' if scheme == DPOP else ""
    challenge = f'{scheme} error="{error}", error_description="{reason}"{algorithms}'
    return NotSignedIn(reason=reason, headers={"WWW-Authenticate": challenge})


def _check_proof(jkt: str, token: str, incoming: Request) -> None:
    after_this_request(_with_nonce)
    try:
        proof = dpop.proof_of(incoming, access_token=token)
    except dpop.NonceWanted as wanted:
        raise refused(DPOP, str(wanted), error="use_dpop_nonce") from None
    except dpop.BadProof as bad:
        raise refused(DPOP, str(bad), error="invalid_dpop_proof") from None
    if proof is None:
        raise refused(DPOP, "the proof is missing", error="invalid_dpop_proof")
    if proof.jkt != jkt:
        raise refused(DPOP, "the proof is of another key")
    if replay.seen_before([proof.once]):
        raise refused(DPOP, "the proof was used before", error="invalid_dpop_proof")


def _with_nonce(answer: Response) -> Response:
    answer.headers[dpop.NONCE_HEADER] = dpop.fresh_nonce()
    return answer


def _in_form(incoming: Request) -> str | None:
    if incoming.method != "POST" or incoming.path != _FORM_AT or incoming.mimetype != forms.FORM:
        return None
    try:
        return forms.form(incoming).get("access_token")
    except OAuthError as error:
        raise refused(BEARER, error.description, error="invalid_request") from None
