"""The browser's side of a session: cookies, forms, and who a cookie speaks for."""

from __future__ import annotations

import hashlib
import secrets

from flask import Request, request
from werkzeug.wrappers import Response

from app.db import session
from app.errors import NotAllowed
from app.guards import CORE_AUDIENCE, Kind, Principal
from app.text import Text
from identity.oidc.models import Client
from identity.oidc.settings import issuer
from identity.parties import acting
from identity.parties.acting import Capacity, CapacityKind
from identity.parties.directory import directory
from identity.parties.errors import CapacityEnded
from identity.sessions import service
from identity.sessions.where import Where
from identity.staff.principals import as_staff

CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
# The citizen's own pages act as this client; its row says which scopes they have.
OWN_PAGES = "suxin-web"
# The pages of officials act as this one.
STAFF_PAGES = "suxin-staff-web"
_FORM = "suxin.form"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignForm(NotAllowed):
    title = Text("页面已过期", "This page has expired")
    next_step = Text("请返回并刷新页面后再试", "Go back, reload the page and try again")


def session_secret(incoming: Request) -> str | None:
    """Return the value of the session cookie."""
    return incoming.cookies.get(_name("session"))


def live_session(incoming: Request) -> service.Live | None:
    """Return the live session of a request."""
    secret = session_secret(incoming)
    return service.find(secret) if secret else None


def where(incoming: Request) -> Where:
    """Return where a request comes from."""
    return Where(incoming.remote_addr or "", incoming.user_agent.string)


def binding(incoming: Request) -> bytes:
    """Return what ties half-done work to this browser before and during log-in; never the secret itself."""
    return hashlib.sha256(form_secret(incoming).encode("utf-8", "replace")).digest()


def remember_session(answer: Response, secret: str) -> None:
    """Give the browser its session cookie; what was bound to the one before log-in is over."""
    _set(answer, "session", secret)
    answer.delete_cookie(_name("form"), secure=_secure(), httponly=True, samesite="Lax")


def forget_session(answer: Response) -> None:
    """Take the session cookie away."""
    answer.delete_cookie(_name("session"), secure=_secure(), httponly=True, samesite="Lax")


def form_secret(incoming: Request) -> str:
    """Return what forms of this browser are bound to: its session, or a cookie before log-in."""
    held = session_secret(incoming) or incoming.cookies.get(_name("form"))
    # A new one is the same for all of this request: the page's forms and its challenge belong together.
    return held or str(incoming.environ.setdefault(_FORM, secrets.token_urlsafe(32)))


def remember_form(answer: Response, secret: str) -> None:
    """Bind the browser to the form it was given, unless its session does that."""
    if session_secret(request) is None:
        _set(answer, "form", secret)


def check_form(incoming: Request, given: str) -> None:
    """Raise `ForeignForm` unless the form is one we gave to this browser."""
    secret = session_secret(incoming) or incoming.cookies.get(_name("form"))
    if not secret or not service.form_token_fits(secret, given):
        raise ForeignForm


def principal_of_browser(incoming: Request, audience: str) -> Principal | None:
    """Return the citizen of a session cookie; changes need the form token too."""
    secret = session_secret(incoming)
    live = service.find(secret) if secret else None
    if live is None or secret is None:
        return None
    if incoming.method not in _SAFE:
        check_form(incoming, incoming.headers.get(CSRF_HEADER) or incoming.form.get(CSRF_FIELD, ""))
    return (_official(live, audience) if live.staff_of else None) or _citizen(live, audience, OWN_PAGES)


def capacity_of(live: service.Live) -> Capacity:
    """Return as what a session acts; raises `CapacityEnded` when the ground it chose holds no longer."""
    if live.acting_for is None or live.acting_evidence is None:
        return Capacity(kind=CapacityKind.SELF, actor=live.person_id, party=live.person_id)
    found = acting.still_holds(actor=live.person_id, party=live.acting_for, evidence=live.acting_evidence)
    if found is None:
        raise CapacityEnded
    return found


def _official(live: service.Live, audience: str) -> Principal | None:
    return as_staff(
        _citizen(live, audience, STAFF_PAGES),
        person_id=live.person_id,
        organisation_id=live.staff_of or "",
        session_id=live.id,
    )


def _citizen(live: service.Live, audience: str, client: str) -> Principal:
    own = session().get(Client, client)
    access = own.access if own is not None and own.state == "active" else {}
    chosen = capacity_of(live)
    capacity = chosen if chosen.evidence else None
    party = capacity.party if capacity else live.person_id
    within = capacity.within(access) if capacity else access
    core = audience == CORE_AUDIENCE

    def known(party_id: str) -> str:
        return party_id if core else directory.subject_of(party_id, audience)

    return Principal(
        kind=Kind.ORGANISATION if capacity and capacity.for_organisation else Kind.CITIZEN,
        actor=known(live.assisted_by or live.person_id),
        subject=directory.subject_of(party, audience),
        party=party if core else None,
        acting_for=known(party) if capacity or live.assisted_by else None,
        capacity=_capacity_word(capacity, live),
        evidence=known(capacity.evidence) if capacity and capacity.evidence else None,
        organisation=known(party) if capacity and capacity.for_organisation else None,
        client=client,
        scopes=frozenset(within.get(audience, ())),
        proofing_level=live.proofing_level,
        authentication_level=live.authentication_level,
        audience=audience,
    )


def _capacity_word(capacity: Capacity | None, live: service.Live) -> str | None:
    if capacity is not None:
        return capacity.kind.value
    # A window official opened this session for the person present.
    return CapacityKind.STAFF.value if live.assisted_by else None


def _name(what: str) -> str:
    return f"__Host-suxin-{what}" if _secure() else f"suxin-{what}"


def _secure() -> bool:
    return issuer().startswith("https://")


def _set(answer: Response, what: str, value: str) -> None:
    answer.set_cookie(_name(what), value, secure=_secure(), httponly=True, samesite="Lax", path="/")
