"""Identity as the core sees it: one plugin value."""

from __future__ import annotations

from pathlib import Path

from app.authorization_details import detail_types
from app.guards import token_verifier
from app.pages.ports import form_token, organisations
from app.people import people
from app.ports import Provider
from app.presence.ports import low_value, providers, terminal_keys, turns
from app.registry.contract import HealthCheck, Plugin, Simulator
from app.rewrap import wrapped_keys
from app.standing import standing
from app.subjects import demo_people
from app.subjects import directory as directory_port
from app.text import Text
from identity import activity, demo, pages, routes
from identity.account_pages import blueprint as account_pages
from identity.admin.acts import PROVIDERS as ACTS
from identity.admin.routes import blueprint as admin
from identity.attestations.ports import DeskAttesters, attesters
from identity.attestations.provider import StaffProvider
from identity.attestations.routes import blueprint as attestations
from identity.authenticators.routes import blueprint as authenticators
from identity.authenticators.sms.operator import SIMULATOR, operator
from identity.authenticators.sms.simulator import SimulatedOperator
from identity.cards.provider import CardProvider
from identity.cards.routes import blueprint as cards
from identity.clients.routes import blueprint as clients
from identity.commands import COMMANDS
from identity.devices.presence import DeviceKeys
from identity.devices.routes import blueprint as devices
from identity.face import upkeep as face_upkeep
from identity.face.commands import face as face_commands
from identity.face.dedup.ports import DeskDedupRights, dedup_rights
from identity.face.dedup.routes import blueprint as face_dedup
from identity.face.dedup.search import JOBS as DEDUP_JOBS
from identity.face.guardians import ActingGuardians, guardians
from identity.face.keys import FaceKeys
from identity.face.provider import FaceProvider
from identity.face.routes import blueprint as face
from identity.face.turns import HeadTurns
from identity.federation.pages import blueprint as federation
from identity.federation.routes import blueprint as providers_of_a_citizen
from identity.oidc.decoupled.routes import blueprint as decoupled
from identity.oidc.logout.routes import blueprint as logout
from identity.oidc.mandate_detail import MANDATE
from identity.oidc.registration.routes import blueprint as registration
from identity.oidc.routes import blueprint as oauth2
from identity.oidc.verify import Verifier
from identity.parties import pages as parties_pages
from identity.parties import routes as parties_routes
from identity.parties.directory import directory
from identity.parties.service import DemoPeopleDirectory, People
from identity.parties.staff import staff_roles
from identity.parties.standing import holds
from identity.privacy.core_data import PROVIDERS as CORE_DATA
from identity.privacy.routes import blueprint as privacy
from identity.proofing import pages as proofing_pages
from identity.proofing import routes as proofing_routes
from identity.proofing.registers import LegalPersonsOverHttp, NetworkIdentityOverHttp, PopulationOverHttp
from identity.proofing.terms import legal_person_register, network_identity, population_register
from identity.schema import Base
from identity.scopes import SCOPES
from identity.sessions.routes import blueprint as sessions
from identity.settings import SETTINGS
from identity.staff.capacities import Posts
from identity.staff.routes import blueprint as staff
from identity.tasks import JOBS, SCHEDULE

plugin = Plugin(
    name="identity",
    title=Text("统一身份认证", "Unified identity"),
    version="0.1.0",
    api=(1, 0),
    blueprints=(
        routes.blueprint,
        face,
        face_dedup,
        cards,
        attestations,
        authenticators,
        sessions,
        privacy,
        clients,
        devices,
        staff,
        admin,
        parties_routes.blueprint,
        proofing_routes.blueprint,
        providers_of_a_citizen,
    ),
    protocol_blueprints=(
        oauth2,
        decoupled,
        logout,
        registration,
        pages.blueprint,
        account_pages,
        parties_pages.blueprint,
        proofing_pages.blueprint,
        federation,
    ),
    models=Base,
    migrations=Path(__file__).parent / "migrations",
    declarations=Path(__file__).parent / "declarations",
    tasks=(*JOBS, *face_upkeep.JOBS, *DEDUP_JOBS),
    schedule=(*SCHEDULE, *face_upkeep.SCHEDULE),
    scopes=SCOPES,
    settings=SETTINGS,
    providers=(
        Provider(token_verifier, "identity", Verifier()),
        Provider(directory_port, "identity", directory),
        Provider(people, "identity", People()),
        Provider(form_token, "identity", pages.own_form_token),
        Provider(organisations, "identity", activity.organisations),
        Provider(terminal_keys, "identity", DeviceKeys()),
        Provider(providers, "face", FaceProvider()),
        Provider(providers, "card", CardProvider()),
        Provider(providers, "staff", StaffProvider()),
        Provider(turns, "identity", HeadTurns()),
        Provider(low_value, "identity", frozenset({"identity:step-up"})),
        Provider(attesters, "identity", DeskAttesters()),
        Provider(dedup_rights, "identity", DeskDedupRights()),
        Provider(guardians, "identity", ActingGuardians()),
        Provider(wrapped_keys, "face", FaceKeys()),
        Provider(detail_types, "mandate", MANDATE),
        Provider(operator, SIMULATOR, SimulatedOperator()),
        Provider(demo_people, "identity", DemoPeopleDirectory()),
        Provider(standing, "identity", holds),
        Provider(staff_roles, "identity", Posts()),
        *ACTS,
        *CORE_DATA,
        Provider(population_register, "identity", PopulationOverHttp()),
        Provider(legal_person_register, "identity", LegalPersonsOverHttp()),
        Provider(network_identity, "identity", NetworkIdentityOverHttp()),
    ),
    simulators=(
        Simulator(name="face-gateway", module="identity.face.gateway.simulator"),
        Simulator(name="province", module="identity.federation.simulator"),
        Simulator(name="population", module="identity.proofing.simulator.population"),
        Simulator(name="legal-register", module="identity.proofing.simulator.legal_register"),
        Simulator(name="network-identity", module="identity.proofing.simulator.network_identity"),
    ),
    commands=(*COMMANDS, face_commands),
    health=(
        HealthCheck(name="face", probe=face_upkeep.check_ready),
        HealthCheck(name="face-filing", probe=face_upkeep.check_filing),
    ),
    demo=demo.seed,
)
