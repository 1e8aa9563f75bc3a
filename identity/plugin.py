"""Identity as the core sees it: one plugin value."""

from __future__ import annotations

from pathlib import Path

from app.guards import token_verifier
from app.pages.ports import form_token, organisations
from app.people import people
from app.ports import Provider
from app.presence.ports import low_value, providers, terminal_keys, turns
from app.registry.contract import HealthCheck, Plugin, PluginSetting, Simulator
from app.subjects import demo_people
from app.subjects import directory as directory_port
from app.text import Text
from identity import activity, demo, pages, routes
from identity.attestations.ports import DeskAttesters, attesters
from identity.attestations.provider import StaffProvider
from identity.attestations.routes import blueprint as attestations
from identity.cards.provider import CardProvider
from identity.cards.routes import blueprint as cards
from identity.commands import COMMANDS
from identity.devices.presence import DeviceKeys
from identity.face import upkeep as face_upkeep
from identity.face.commands import face as face_commands
from identity.face.dedup.ports import DeskDedupRights, dedup_rights
from identity.face.dedup.routes import blueprint as face_dedup
from identity.face.dedup.search import JOBS as DEDUP_JOBS
from identity.face.guardians import ActingGuardians, guardians
from identity.face.provider import FaceProvider
from identity.face.routes import blueprint as face
from identity.face.turns import HeadTurns
from identity.oidc.routes import blueprint as oauth2
from identity.oidc.verify import Verifier
from identity.parties.directory import directory
from identity.parties.service import DemoPeopleDirectory, People
from identity.schema import Base
from identity.tasks import JOBS, SCHEDULE

plugin = Plugin(
    name="identity",
    title=Text("统一身份认证", "Unified identity"),
    version="0.1.0",
    api=(1, 0),
    blueprints=(routes.blueprint, face, face_dedup, cards, attestations),
    protocol_blueprints=(oauth2, pages.blueprint),
    models=Base,
    migrations=Path(__file__).parent / "migrations",
    tasks=(*JOBS, *face_upkeep.JOBS, *DEDUP_JOBS),
    schedule=(*SCHEDULE, *face_upkeep.SCHEDULE),
    scopes={
        "openid": Text("确认您的身份", "Know who you are"),
        "profile": Text("查看您的脱敏资料和使用记录", "See your masked profile and who used your data"),
        "identity:face": Text("管理您的人脸授权", "Manage the use of your face"),
        "identity:face-dedup": Text("发起或批准人脸查重", "Ask for or approve a search for doubly enrolled faces"),
        "identity:cards": Text("管理您的卡证", "Manage your cards"),
        "identity:cards-issue": Text("登记发给市民的卡证", "Enter cards handed to citizens"),
    },
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
        Provider(demo_people, "identity", DemoPeopleDirectory()),
    ),
    commands=(*COMMANDS, face_commands),
    demo=demo.seed,
    settings=(
        PluginSetting(name="face_provider", default="bundled", meaning="Who judges faces: bundled or gateway"),
        PluginSetting(name="face_gateway_url", default="", meaning="Address of the face gateway"),
        PluginSetting(name="face_gateway_socket", default="", meaning="Unix socket of the gateway; used without a URL"),
        PluginSetting(name="face_gateway_within_ms", default="1500", meaning="How long a till waits for the gateway"),
        PluginSetting(
            name="face_gateway_floor_ms", default="400",
            meaning="How long every answer takes at least, so that an unknown number answers no sooner",
        ),
        PluginSetting(name="face_filing", default="", meaning="Number of the filing once more than 100,000 are stored"),
    ),
    health=(
        HealthCheck(name="face", probe=face_upkeep.check_ready),
        HealthCheck(name="face-filing", probe=face_upkeep.check_filing),
    ),
    simulators=(Simulator(name="face-gateway", module="identity.face.gateway.simulator"),),
)  # fmt: skip
