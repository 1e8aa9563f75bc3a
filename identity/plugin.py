"""Identity as the core sees it: one plugin value."""

from __future__ import annotations

from pathlib import Path

from app.guards import token_verifier
from app.pages.ports import form_token, organisations
from app.people import people
from app.ports import Provider
from app.presence.ports import providers, terminal_keys
from app.registry.contract import Plugin
from app.subjects import demo_people
from app.subjects import directory as directory_port
from app.text import Text
from identity import activity, demo, pages, routes
from identity.authenticators.routes import blueprint as authenticators
from identity.authenticators.sms.operator import SIMULATOR, operator
from identity.authenticators.sms.simulator import SimulatedOperator
from identity.commands import COMMANDS
from identity.devices.presence import DeviceKeys
from identity.face.provider import FaceProvider
from identity.face.routes import blueprint as face
from identity.oidc.routes import blueprint as oauth2
from identity.oidc.verify import Verifier
from identity.parties.directory import directory
from identity.parties.service import DemoPeopleDirectory, People
from identity.schema import Base
from identity.sessions.routes import blueprint as sessions
from identity.tasks import JOBS, SCHEDULE

plugin = Plugin(
    name="identity",
    title=Text("统一身份认证", "Unified identity"),
    version="0.1.0",
    api=(1, 0),
    blueprints=(routes.blueprint, face, authenticators, sessions),
    protocol_blueprints=(oauth2, pages.blueprint),
    models=Base,
    migrations=Path(__file__).parent / "migrations",
    declarations=Path(__file__).parent / "declarations",
    tasks=JOBS,
    schedule=SCHEDULE,
    scopes={
        "openid": Text("确认您的身份", "Know who you are"),
        "profile": Text("查看您的脱敏资料和使用记录", "See your masked profile and who used your data"),
        "identity:face": Text("管理您的人脸授权", "Manage the use of your face"),
        "identity:authenticators": Text("管理您的登录方式", "Manage how you log in"),
        "identity:sessions": Text("查看和退出您登录的设备", "See your devices and log them out"),
        "identity:assist": Text("在窗口协助到场人员", "Help people present at a window"),
        "identity:recovery": Text("为到场人员办理账号找回", "Let people present recover their account"),
    },
    providers=(
        Provider(token_verifier, "identity", Verifier()),
        Provider(directory_port, "identity", directory),
        Provider(people, "identity", People()),
        Provider(form_token, "identity", pages.own_form_token),
        Provider(organisations, "identity", activity.organisations),
        Provider(terminal_keys, "identity", DeviceKeys()),
        Provider(providers, "face", FaceProvider()),
        Provider(operator, SIMULATOR, SimulatedOperator()),
        Provider(demo_people, "identity", DemoPeopleDirectory()),
    ),
    commands=COMMANDS,
    demo=demo.seed,
)
