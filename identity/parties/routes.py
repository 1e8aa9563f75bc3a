"""JSON routes: for whom I may act, who may act for me, and what ends at once. Nobody reaches them for another."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotFound
from app.guards import Kind, own_party, principal, require
from identity.parties import acting, assistance, mandates, relationships, schemas, views
from identity.parties.errors import identifiers_checked
from identity.proofing import claims

blueprint = Blueprint("identity_parties", __name__, description="Acting for others")
SCOPE = "identity:parties"
_own = require(SCOPE, kinds=[Kind.CITIZEN], own_affairs=True)
# Officials act at windows; citizens end what is done for them.
_staff = require(SCOPE, kinds=[Kind.CITIZEN, Kind.OFFICIAL], own_affairs=True)
_changes = require(SCOPE, kinds=[Kind.CITIZEN], own_affairs=True, proofing_level=3)


@blueprint.route("/me/capacities")
class Capacities(MethodView):
    @_own
    @blueprint.response(200, schemas.CapacitiesSchema)
    def get(self) -> dict[str, Any]:
        """Return for whom the caller may act now"""
        return {"items": [views.capacity(each) for each in acting.capacities(own_party())]}


@blueprint.route("/me/wards")
class Wards(MethodView):
    @_own
    @blueprint.response(200, schemas.RelationshipsSchema)
    def get(self) -> dict[str, Any]:
        """Return the caller's wards"""
        return {"items": [views.represented(each) for each in relationships.of_actor(own_party(), "guardian")]}

    @_changes
    @blueprint.arguments(schemas.NamedSchema)
    @blueprint.response(201, schemas.RelationshipSchema)
    @identifiers_checked
    def post(self, form: dict[str, Any]) -> dict[str, Any]:
        """Add a ward whom the population register names as the caller's"""
        return views.represented(claims.add_ward(own_party(), **form))


@blueprint.route("/me/wards/<relationship_id>")
class Ward(MethodView):
    @_own
    @blueprint.response(204)
    def delete(self, relationship_id: str) -> None:
        """Stop acting for a ward here"""
        relationships.resign(relationship_id, by=own_party())


@blueprint.route("/me/guardians")
class Guardians(MethodView):
    @_own
    @blueprint.response(200, schemas.RelationshipsSchema)
    def get(self) -> dict[str, Any]:
        """Return who acts as the caller's guardian"""
        return {"items": [views.representing(each) for each in relationships.of_party(own_party(), "guardian")]}


@blueprint.route("/me/guardians/<relationship_id>/dispute")
class Dispute(MethodView):
    @_own
    @blueprint.response(204)
    def post(self, relationship_id: str) -> None:
        """Dispute a guardianship: nobody acts on it until it is decided"""
        relationships.dispute(relationship_id, by=own_party())


@blueprint.route("/me/organisations")
class Organisations(MethodView):
    @_own
    @blueprint.response(200, schemas.RelationshipsSchema)
    def get(self) -> dict[str, Any]:
        """Return the organisations the caller represents or is asked to act for"""
        found = relationships.of_actor(own_party(), "legal_representative", "agent")
        return {"items": [views.represented(each) for each in found]}

    @_changes
    @blueprint.arguments(schemas.OrganisationClaimSchema)
    @blueprint.response(201, schemas.RelationshipSchema)
    @identifiers_checked
    def post(self, form: dict[str, Any]) -> dict[str, Any]:
        """Become the legal representative that the legal-person register names"""
        return views.represented(claims.claim_organisation(own_party(), **form))


@blueprint.route("/me/organisations/<relationship_id>/agents")
class Agents(MethodView):
    @_own
    @blueprint.response(200, schemas.RelationshipsSchema)
    def get(self, relationship_id: str) -> dict[str, Any]:
        """Return the agents of an organisation that the caller represents"""
        organisation = relationships.led(relationship_id, by=own_party())
        return {"items": [views.representing(each) for each in relationships.of_party(organisation, "agent")]}

    @_changes
    @blueprint.arguments(schemas.AppointmentSchema)
    @blueprint.response(201, schemas.RelationshipSchema)
    @identifiers_checked
    def post(self, form: dict[str, Any], relationship_id: str) -> dict[str, Any]:
        """Appoint an agent, who has to accept"""
        organisation, details = relationships.led(relationship_id, by=own_party()), form.pop("authorization_details")
        return views.representing(relationships.appoint(own_party(), organisation, access=details, **form))


@blueprint.route("/me/organisations/<relationship_id>/agents/<agent_id>")
class Agent(MethodView):
    @_own
    @blueprint.response(204)
    def delete(self, relationship_id: str, agent_id: str) -> None:
        """Dismiss an agent at once"""
        organisation = relationships.led(relationship_id, by=own_party())
        relationships.dismiss(agent_id, organisation=organisation, by=own_party())


@blueprint.route("/me/appointments/<relationship_id>/<answer>")
class Appointment(MethodView):
    @_changes
    @blueprint.response(204)
    def post(self, relationship_id: str, answer: str) -> None:
        """Accept or refuse to act for an organisation, or stop"""
        if answer == "resign":
            relationships.resign(relationship_id, by=own_party())
        else:
            _one_of(answer, accept=relationships.accept, refuse=relationships.refuse)(
                relationship_id, agent=own_party()
            )


@blueprint.route("/me/mandates")
class Mandates(MethodView):
    @_own
    @blueprint.response(200, schemas.MandatesSchema)
    def get(self) -> dict[str, Any]:
        """Return every mandate given and held, ended ones too"""
        me = own_party()
        rows = sorted([*mandates.given_by(me), *mandates.held_by(me)], key=lambda row: row.id, reverse=True)
        return {"items": [views.mandate(row, me) for row in rows]}

    @_changes
    @blueprint.arguments(schemas.GivingSchema)
    @blueprint.response(201, schemas.MandateSchema)
    @identifiers_checked
    def post(self, form: dict[str, Any]) -> dict[str, Any]:
        """Offer a mandate; the answer does not tell whether that person is known here"""
        return views.mandate(mandates.give(own_party(), **form), own_party())


@blueprint.route("/me/mandates/<mandate_id>/<answer>")
class MandateAnswer(MethodView):
    @_changes
    @blueprint.response(200, schemas.MandateSchema)
    def post(self, mandate_id: str, answer: str) -> dict[str, Any]:
        """Accept or refuse a mandate, once"""
        act = _one_of(answer, accept=mandates.accept, refuse=mandates.refuse)
        return views.mandate(act(mandate_id, agent=own_party()), own_party())


@blueprint.route("/me/mandates/<mandate_id>")
class Mandate(MethodView):
    @_own
    @blueprint.response(200, schemas.MandateSchema)
    def delete(self, mandate_id: str) -> dict[str, Any]:
        """End a mandate at once, given or held"""
        return views.mandate(mandates.revoke(mandate_id, by=own_party()), own_party())


@blueprint.route("/assistances")
class Assistances(MethodView):
    @_staff
    @blueprint.arguments(schemas.AssistanceFormSchema)
    @blueprint.response(201, schemas.AssistanceSchema)
    @identifiers_checked
    def post(self, form: dict[str, Any]) -> Any:
        """Begin, as window staff, to act for the person at the window; the person gets a receipt"""
        return assistance.begin(principal().actor, **form)


@blueprint.route("/assistances/<assistance_id>")
class Assistance(MethodView):
    @_staff
    @blueprint.response(204)
    def delete(self, assistance_id: str) -> None:
        """End an assistance, as staff or as the person"""
        assistance.finish(assistance_id, by=principal().actor)


def _one_of(answer: str, **acts: Any) -> Any:
    if answer not in acts:
        raise NotFound
    return acts[answer]
