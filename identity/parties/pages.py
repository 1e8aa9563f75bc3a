"""Pages about acting for others: the chooser, family, mandates, organisations. Plain forms, no scripts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

from flask import Blueprint, redirect, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app import audit
from app.errors import DomainError, NotFound
from app.guards import public
from identity.account_forms import done, himself, posted, signed_in, to_log_in
from identity.pages import own_path
from identity.parties import acting, details, mandates, names, relationships, views, wording
from identity.parties.errors import CannotBeGiven
from identity.proofing import claims
from identity.sessions import service as sessions
from identity.sessions.service import Live
from identity.showing import page

blueprint = Blueprint("identity_party_pages", __name__, template_folder="../templates")
_BECAUSE = "shows and changes what belongs to the browser's own session; forms are bound to it"
_CHINA = timezone(timedelta(hours=8))
Answers = dict[str, Callable[[str, str], object]]


class _Own(MethodView, ABC):
    """A page about its visitor's own affairs; whoever acts for another here is still the visitor."""

    path: str

    @public(because=_BECAUSE)
    def get(self) -> Response:
        live = signed_in()
        return self.show(live, None) if live is not None else to_log_in()

    @public(because=_BECAUSE)
    def post(self, **at: str) -> Response:
        live = signed_in()
        if live is None:
            return to_log_in()
        params = posted()
        with himself(live):
            return done(
                lambda: self.act(live.person_id, params, **at), lambda refused: self.show(live, refused), then=self.path
            )

    @abstractmethod
    def show(self, live: Live, refused: DomainError | None) -> Response:
        """Return the page, with a refusal on top if there is one."""

    @abstractmethod
    def act(self, person: str, params: dict[str, str], **at: str) -> object:
        """Do what the form asks."""


class ActingFor(MethodView):
    @public(because=_BECAUSE)
    def get(self) -> Response:
        live = signed_in()
        if live is None:
            return to_log_in()
        return _chooser(live, own_path(request.args.get("return_to", "")))

    @public(because=_BECAUSE)
    def post(self) -> Response:
        live = signed_in()
        if live is None:
            return to_log_in()
        params = posted()
        chosen = _chosen(live, params.get("evidence"))
        if chosen is None:
            return _chooser(live, own_path(params.get("return_to", "")), refused=NotFound())
        sessions.act_for(live, party=chosen.party, evidence=chosen.evidence)
        with himself(live):
            audit.record("identity.acting-chosen", subject=chosen.party, object=chosen.evidence)
        return redirect(own_path(params.get("return_to", "")), 303)


class Family(_Own):
    path = "/account/family"

    def show(self, live: Live, refused: DomainError | None) -> Response:
        """Return wards and guardians."""
        return _page(
            "identity/family.html", refused,
            wards=[views.represented(each) for each in relationships.of_actor(live.person_id, "guardian")],
            guardians=[views.representing(each) for each in relationships.of_party(live.person_id, "guardian")],
        )  # fmt: skip

    def act(self, person: str, params: dict[str, str], **at: str) -> object:
        """Add a ward, stop acting for one, or dispute a guardianship."""
        if not at:
            return claims.add_ward(person, name=params.get("name", ""), resident_id=params.get("resident_id", ""))
        answers: Answers = {
            "resign": lambda which, by: relationships.resign(which, by=by),
            "dispute": lambda which, by: relationships.dispute(which, by=by),
        }
        return _answered(answers, at, person)


class Mandates(_Own):
    path = "/account/mandates"

    def show(self, live: Live, refused: DomainError | None) -> Response:
        """Return mandates given and held."""
        rows = [*mandates.given_by(live.person_id), *mandates.held_by(live.person_id)]
        titles = wording.scope_titles()
        shown = [views.mandate(each, live.person_id) for each in rows]
        for each in shown:
            each["allows"] = [
                titles.get(action, action) for detail in each["authorization_details"] for action in detail["actions"]
            ]
        return _page("identity/mandates.html", refused, mandates=shown, offered=wording.offered())

    def act(self, person: str, params: dict[str, str], **at: str) -> object:
        """Give a mandate, or answer or end one."""
        if not at:
            return mandates.give(
                person, name=params.get("name", ""), resident_id=params.get("resident_id", ""),
                purpose=params.get("purpose", ""), authorization_details=_allowed(params), expires_at=_until(params),
            )  # fmt: skip
        answers: Answers = {
            "accept": lambda which, by: mandates.accept(which, agent=by),
            "refuse": lambda which, by: mandates.refuse(which, agent=by),
            "revoke": lambda which, by: mandates.revoke(which, by=by),
        }
        return _answered(answers, at, person)


class Organisations(_Own):
    path = "/account/organisations"

    def show(self, live: Live, refused: DomainError | None) -> Response:
        """Return the organisations a person acts for, with the agents of those it leads."""
        rows = relationships.of_actor(live.person_id, "legal_representative", "agent")
        shown = [views.represented(row) | {"agents": _agents(row)} for row in rows]
        return _page("identity/organisations.html", refused, organisations=shown, offered=wording.offered())

    def act(self, person: str, params: dict[str, str], **at: str) -> object:
        """Claim an organisation, appoint or dismiss an agent, answer an appointment."""
        if not at:
            return claims.claim_organisation(person, credit_code=params.get("credit_code", ""))
        answers: Answers = {
            "accept": lambda which, by: relationships.accept(which, agent=by),
            "refuse": lambda which, by: relationships.refuse(which, agent=by),
            "resign": lambda which, by: relationships.resign(which, by=by),
            "appoint": lambda which, by: _appoint(which, by, params),
            "dismiss": lambda which, by: relationships.dismiss(
                params.get("agent", ""), organisation=relationships.led(which, by=by), by=by
            ),
        }
        return _answered(answers, at, person)


def _agents(row: Any) -> list[dict[str, Any]] | None:
    if row.kind != "legal_representative" or relationships.state_of(row) != "active":
        return None
    return [views.representing(each) for each in relationships.of_party(row.party_id, "agent")]


def _appoint(which: str, by: str, params: dict[str, str]) -> object:
    return relationships.appoint(
        by, relationships.led(which, by=by), name=params.get("name", ""), resident_id=params.get("resident_id", ""),
        role=params.get("role", ""), access=_allowed(params), expires_at=_until(params),
    )  # fmt: skip


def _answered(answers: Answers, at: dict[str, str], person: str) -> object:
    if at["answer"] not in answers:
        raise NotFound
    return answers[at["answer"]](at["which"], person)


def _chosen(live: Live, evidence: str | None) -> acting.Capacity | None:
    wanted = evidence or None
    return next((each for each in acting.capacities(live.person_id) if each.evidence == wanted), None)


def _chooser(live: Live, return_to: str, *, refused: DomainError | None = None) -> Response:
    choices = [
        {
            "evidence": each.evidence or "",
            "title": names.party_of(each),
            "current": live.acting_for is not None and each.evidence == live.acting_evidence,
        }
        for each in acting.capacities(live.person_id)
    ]
    return _page("identity/acting_for.html", refused, choices=choices, return_to=return_to)


def _page(template: str, refused: DomainError | None, **values: Any) -> Response:
    status = refused.status if refused is not None else 200
    return page(template, status=status, refused=refused, terms=wording.terms(), **values)


def _allowed(params: dict[str, str]) -> list[dict[str, Any]]:
    access: dict[str, list[str]] = {}
    for name, value in params.items():
        audience, _, scope = value.partition(" ")
        if name.startswith("allow.") and scope:
            access.setdefault(audience, []).append(scope)
    return details.details_of(access)


def _until(params: dict[str, str]) -> datetime:
    try:
        day = datetime.strptime(params.get("until", ""), "%Y-%m-%d").date()
    except ValueError:
        raise CannotBeGiven(errors={"until": ["write a date"]}) from None
    return datetime.combine(day, time(23, 59, 59), _CHINA).astimezone(UTC)


blueprint.add_url_rule("/account/acting-for", view_func=ActingFor.as_view("acting_for"))
for _view in (Family, Mandates, Organisations):
    _shown = _view.as_view(_view.__name__.lower())
    blueprint.add_url_rule(_view.path, view_func=_shown)
    blueprint.add_url_rule(f"{_view.path}/<which>/<answer>", view_func=_shown, methods=["POST"])
