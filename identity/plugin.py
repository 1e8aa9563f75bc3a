"""Identity as the core sees it: one plugin value."""

from __future__ import annotations

from pathlib import Path

from app.authorization_details import detail_types
from app.guards import token_verifier
from app.pages.ports import form_token, organisations
from app.people import people
from app.ports import Provider
from app.presence.ports import providers, terminal_keys
from app.registry.contract import Plugin, PluginSetting, Simulator
from app.subjects import demo_people
from app.subjects import directory as directory_port
from app.text import Text
from identity import activity, demo, pages, routes
from identity.commands import COMMANDS
from identity.devices.presence import DeviceKeys
from identity.face.provider import FaceProvider
from identity.face.routes import blueprint as face
from identity.federation.pages import blueprint as federation
from identity.federation.routes import blueprint as providers_of_a_citizen
from identity.oidc.decoupled.routes import blueprint as decoupled
from identity.oidc.logout.routes import blueprint as logout
from identity.oidc.mandate_detail import MANDATE
from identity.oidc.registration.routes import blueprint as registration
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
    blueprints=(routes.blueprint, face, providers_of_a_citizen),
    protocol_blueprints=(oauth2, decoupled, logout, registration, pages.blueprint, federation),
    models=Base,
    migrations=Path(__file__).parent / "migrations",
    declarations=Path(__file__).parent / "declarations",
    tasks=JOBS,
    schedule=SCHEDULE,
    scopes={
        "openid": Text("确认您的身份", "Know who you are"),
        "profile": Text("查看您的脱敏资料和使用记录", "See your masked profile and who used your data"),
        "phone": Text("查看您手机号的后四位", "See the last four digits of your mobile number"),
        "offline_access": Text("在您退出登录后继续访问", "Go on after you have logged out"),
        "introspect": Text("核查发给本服务的令牌", "Ask whether a token sent to this service is good"),
        "identity:face": Text("管理您的人脸授权", "Manage the use of your face"),
        "identity:providers": Text("管理外部账号登录", "Manage log-in with outside accounts"),
    },
    settings=(
        PluginSetting(name="providers_file", default="", meaning="JSON list of outside log-in providers; empty: none"),
        PluginSetting(name="province_socket", default="", meaning="Unix socket of the demo's simulated province"),
        PluginSetting(
            name="private_hosts",
            default="",
            meaning="hosts in private networks, as host:port with commas, that log-out messages may be sent to",
        ),
    ),
    simulators=(Simulator(name="province", module="identity.federation.simulator"),),
    providers=(
        Provider(token_verifier, "identity", Verifier()),
        Provider(directory_port, "identity", directory),
        Provider(people, "identity", People()),
        Provider(form_token, "identity", pages.own_form_token),
        Provider(organisations, "identity", activity.organisations),
        Provider(terminal_keys, "identity", DeviceKeys()),
        Provider(providers, "face", FaceProvider()),
        Provider(detail_types, "mandate", MANDATE),
        Provider(demo_people, "identity", DemoPeopleDirectory()),
    ),
    commands=COMMANDS,
    demo=demo.seed,
)
