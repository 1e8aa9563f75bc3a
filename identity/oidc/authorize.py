"""The authorization endpoint: check the request, then log-in, consent, and one code."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from urllib.parse import urlencode

from flask import redirect, request
from sqlalchemy import Insert, insert, select
from werkzeug.wrappers import Response

from app import audit
from app.db import now, session
from app.guards import acting_as
from app.ids import new_id
from identity import pages
from identity.oidc import asked as asking
from identity.oidc import continuation, details, forms, pushed
from identity.oidc.access import Access
from identity.oidc.asked import Asked
from identity.oidc.errors import OAuthError
from identity.oidc.grants.authorization_code import code_hash
from identity.oidc.grants.issued import principal_for
from identity.oidc.models import AuthorizationCode, AuthorizationGrant
from identity.oidc.offline import ends_at
from identity.oidc.reply import Turned, back, turned_back
from identity.oidc.settings import CODE_SECONDS
from identity.oidc.tokens import client_audience
from identity.parties import acting
from identity.parties.acting import Capacity
from identity.parties.directory import directory
from identity.parties.errors import CapacityEnded
from identity.sessions import browser
from identity.sessions.service import Live


def begin(query: str) -> Response:
    """Answer an authorization request: log-in, consent page, or a code already consented to."""
    try:
        params = forms.parse(query)
        asked = asking.checked(params)
        live = browser.live_session(request)
        if live is None or _not_enough(live, asked, params):
            return _to_log_in(live, asked, params)
        if _must_choose(live, asked):
            return _to_chooser(params)
        capacity = _capacity(live, asked)
        if _consented(live, asked, capacity):
            return _with_code(live, asked, capacity)
        if "none" in asked.prompt:
            raise _turned(asked, "consent_required")
        return pages.consent(
            asked.client,
            capacity.within(asked.access),
            continuation.marked(params),
            details.in_words(asked.details),
            capacity=capacity,
        )
    except Turned as turned:
        return turned_back(turned)
    except OAuthError as error:
        return pages.refusal(error)


def decide() -> Response:
    """Answer the consent form; the request in it is checked all over again."""
    try:
        form = forms.form(request)
        if "decision" not in form and "client_id" in form:
            # A request may come by POST (OpenID Connect Core, 3.1.2.1); it changes nothing yet.
            return redirect("/oauth2/authorize?" + forms.encode(form), 303)
        browser.check_form(request, form.get(browser.CSRF_FIELD, ""))
        params = forms.parse(form.get("request", ""))
        asked = asking.checked(params)
        live = browser.live_session(request)
        if live is None or _not_enough(live, asked, params):
            return _to_log_in(live, asked, params)
        if form.get("decision") != "approve":
            _answered(asked)
            raise _turned(asked, "access_denied")
        return _with_code(live, asked, _agreed_capacity(live, asked, form))
    except Turned as turned:
        return turned_back(turned)
    except OAuthError as error:
        return pages.refusal(error)


def _not_enough(live: Live, asked: Asked, params: dict[str, str]) -> bool:
    return _stale(live, asked, params) or _another(live, asked) or _too_low(live, asked)


def _stale(live: Live, asked: Asked, params: dict[str, str]) -> bool:
    begun = continuation.begun_at(params)
    if begun is not None and live.authenticated_at.timestamp() >= begun:
        # The log-in that followed the request is the one it asked for; asking again would never end.
        return False
    age = time.time() - live.authenticated_at.timestamp()
    return bool(asked.prompt & {"login", "select_account"}) or (asked.max_age is not None and age > asked.max_age)


def _another(live: Live, asked: Asked) -> bool:
    """Tell whether the client means somebody else than who sits at the browser (`id_token_hint`)."""
    known = client_audience(asked.client.id, asked.client.sector)
    return asked.hinted_subject not in (None, directory.subject_of(live.person_id, known))


def _too_low(live: Live, asked: Asked) -> bool:
    held = (live.proofing_level, live.authentication_level)
    return bool(asked.levels) and not any(_covers_levels(held, each) for each in asked.levels)


def _covers_levels(held: tuple[int, int], wanted: tuple[int, int]) -> bool:
    return held[0] >= wanted[0] and held[1] >= wanted[1]


def _to_log_in(live: Live | None, asked: Asked, params: dict[str, str]) -> Response:
    if "none" in asked.prompt:
        raise _turned(asked, "login_required")
    wish = _reachable(live, asked, params)
    back_to = "/oauth2/authorize?" + continuation.marked(params)
    hints = {"acr": wish, "login_hint": asked.login_hint, "ui_locales": asked.ui_locales}
    query = {"return_to": back_to} | {name: value for name, value in hints.items() if value}
    return redirect("/login?" + urlencode(query), 303)


def _reachable(live: Live | None, asked: Asked, params: dict[str, str]) -> str | None:
    """Return the `acr` to ask the log-in for; raises when a log-in cannot give it (RFC 9470, 5)."""
    if live is None or not _too_low(live, asked):
        return _spelled(asked.levels[0]) if asked.levels else None
    begun = continuation.begun_at(params)
    tried = begun is not None and live.authenticated_at.timestamp() >= begun
    wish = next((each for each in asked.levels if each[0] <= live.proofing_level and each[1] <= 2), None)
    if tried or wish is None:
        raise _turned(asked, "unmet_authentication_requirements")
    return _spelled(wish)


def _spelled(levels: tuple[int, int]) -> str:
    return f"ial{levels[0]}.aal{levels[1]}"


def _turned(asked: Asked, error: str) -> Turned:
    return Turned(asked.redirect_uri, error, asked.state)


def _must_choose(live: Live, asked: Asked) -> bool:
    if live.acting_for is not None or "none" in asked.prompt or acting.names_one(asked.details):
        return False
    return bool(acting.others(live.person_id))


def _to_chooser(params: dict[str, str]) -> Response:
    back_to = "/oauth2/authorize?" + continuation.marked(params)
    return redirect("/account/acting-for?" + urlencode({"return_to": back_to}), 303)


def _capacity(live: Live, asked: Asked) -> Capacity:
    """Return as what the person acts, if anything of the request lies within its limits.

    A mandate that the request names (RFC 9396) counts before what the session has chosen.
    """
    try:
        capacity = acting.named_by(live.person_id, asked.details) or browser.capacity_of(live)
    except (CapacityEnded, LookupError):
        raise _turned(asked, "access_denied") from None
    if not capacity.within(asked.access):
        raise _turned(asked, "access_denied")
    return capacity


def _agreed_capacity(live: Live, asked: Asked, form: dict[str, str]) -> Capacity:
    # Another tab may have switched since the page was shown: what was agreed to was for another party.
    capacity = _capacity(live, asked)
    if form.get("acting", "") != (capacity.evidence or ""):
        raise _turned(asked, "access_denied")
    return capacity


def _consented(live: Live, asked: Asked, capacity: Capacity) -> bool:
    # Details are consented to each time: what they allow is one particular act.
    if "consent" in asked.prompt or asked.details:
        return False
    earlier = session().scalars(
        select(AuthorizationGrant.access).where(
            AuthorizationGrant.account_id == live.account_id,
            AuthorizationGrant.client_id == asked.client.id,
            AuthorizationGrant.mandate_id.is_not_distinct_from(capacity.evidence),
            AuthorizationGrant.revoked_at.is_(None),
            # What a person allowed as a citizen says nothing of their work, nor the other way round.
            AuthorizationGrant.staff_of.is_not_distinct_from(live.staff_of),
        )
    )
    return any(_covers(access, capacity.within(asked.access)) for access in earlier)


def _covers(given: Access, wanted: Access) -> bool:
    return all(set(scopes) <= set(given.get(audience, ())) for audience, scopes in wanted.items())


def _answered(asked: Asked) -> None:
    if asked.uri_hash is not None:
        pushed.consume(asked.uri_hash)


def _with_code(live: Live, asked: Asked, capacity: Capacity) -> Response:
    _answered(asked)
    code, grant_id = secrets.token_urlsafe(32), new_id("grant")
    # One statement writes both; the code's reference is looked at when it ends.
    granted = _grant(grant_id, live, asked, capacity).cte("given")
    session().execute(_code(code, grant_id, asked).add_cte(granted))
    who = principal_for(live.person_id, **_ground(capacity), assisted_by=live.assisted_by)
    with acting_as(who):
        audit.record("identity.consented", subject=capacity.party, object=grant_id, details={"client": asked.client.id})
    return back(asked.redirect_uri, {"code": code}, asked.state)


def _ground(capacity: Capacity) -> dict[str, str | None]:
    """Return for whom, as what and on what ground a grant is; nothing of it for one's own affairs."""
    if capacity.evidence is None:
        return {"acting_for": None, "capacity": None, "mandate_id": None}
    return {"acting_for": capacity.party, "capacity": capacity.kind.value, "mandate_id": capacity.evidence}


def _grant(grant_id: str, live: Live, asked: Asked, capacity: Capacity) -> Insert:
    return insert(AuthorizationGrant).values(
        id=grant_id,
        account_id=live.account_id,
        person_id=live.person_id,
        client_id=asked.client.id,
        session_id=live.id,
        staff_of=live.staff_of,
        assisted_by=live.assisted_by,
        access=capacity.within(asked.access),
        **_ground(capacity),
        authorization_details=asked.details,
        proofing_level=live.proofing_level,
        authentication_level=live.authentication_level,
        authenticated_at=live.authenticated_at,
        refresh_generation=0,
        created_at=now(),
        expires_at=ends_at(asked.access, live.authenticated_at),
    )


def _code(code: str, grant_id: str, asked: Asked) -> Insert:
    return insert(AuthorizationCode).values(
        code_hash=code_hash(code),
        grant_id=grant_id,
        client_id=asked.client.id,
        redirect_uri=asked.redirect_uri,
        code_challenge=asked.code_challenge,
        nonce=asked.nonce,
        jkt=asked.jkt,
        expires_at=now() + timedelta(seconds=CODE_SECONDS),
    )
