"""Identity as the core sees it: one plugin value."""

from __future__ import annotations

from pathlib import Path

from app.guards import token_verifier
from app.pages.ports import form_token, organisations
from app.people import people
from app.ports import Provider
from app.presence.ports import providers, terminal_keys
from app.registry.contract import Plugin, PluginSetting
from app.standing import standing
from app.subjects import demo_people
from app.subjects import directory as directory_port
from app.text import Text
from identity import activity, demo, pages, routes
from identity.account_pages import blueprint as account_pages
from identity.admin.acts import PROVIDERS as ACTS
from identity.admin.routes import blueprint as admin
from identity.clients.routes import blueprint as clients
from identity.commands import COMMANDS
from identity.devices.presence import DeviceKeys
from identity.devices.routes import blueprint as devices
from identity.face.provider import FaceProvider
from identity.face.routes import blueprint as face
from identity.oidc.routes import blueprint as oauth2
from identity.oidc.verify import Verifier
from identity.parties.directory import directory
from identity.parties.service import DemoPeopleDirectory, People
from identity.parties.standing import holds
from identity.privacy.core_data import PROVIDERS as CORE_DATA
from identity.privacy.routes import blueprint as privacy
from identity.schema import Base
from identity.staff.routes import blueprint as staff
from identity.tasks import JOBS, SCHEDULE

plugin = Plugin(
    name="identity",
    title=Text("统一身份认证", "Unified identity"),
    version="0.1.0",
    api=(1, 0),
    blueprints=(routes.blueprint, face, privacy, clients, devices, staff, admin),
    protocol_blueprints=(oauth2, pages.blueprint, account_pages),
    models=Base,
    migrations=Path(__file__).parent / "migrations",
    tasks=JOBS,
    schedule=SCHEDULE,
    scopes={
        "openid": Text("确认您的身份", "Know who you are"),
        "profile": Text("查看您的脱敏资料和使用记录", "See your masked profile and who used your data"),
        "identity:privacy": Text("查看和撤回授权、导出数据、注销", "See and withdraw consents, export data, be erased"),
        "identity:admin": Text("以岗位身份管理身份平台", "Administer identity as your post allows"),
        "identity:face": Text("管理您的人脸授权", "Manage the use of your face"),
    },
    providers=(
        Provider(token_verifier, "identity", Verifier()),
        Provider(directory_port, "identity", directory),
        Provider(people, "identity", People()),
        Provider(form_token, "identity", pages.own_form_token),
        Provider(organisations, "identity", activity.organisations),
        Provider(terminal_keys, "identity", DeviceKeys()),
        Provider(providers, "face", FaceProvider()),
        Provider(demo_people, "identity", DemoPeopleDirectory()),
        Provider(standing, "identity", holds),
        *ACTS,
        *CORE_DATA,
    ),
    settings=(
        PluginSetting(
            name="attestation_roots", default="", meaning="PEM file of the roots that terminals' makers certify keys by"
        ),
    ),
    commands=COMMANDS,
    demo=demo.seed,
)
