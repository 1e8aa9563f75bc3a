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
from app.rewrap import wrapped_keys
from app.standing import standing
from app.subjects import demo_people
from app.subjects import directory as directory_port
from app.text import Text
from identity import activity, demo, pages, routes
from identity.account_pages import blueprint as account_pages
from identity.admin.acts import PROVIDERS as ACTS
from identity.admin.routes import blueprint as admin
from identity.authenticators.routes import blueprint as authenticators
from identity.authenticators.sms.operator import SIMULATOR, operator
from identity.authenticators.sms.simulator import SimulatedOperator
from identity.clients.routes import blueprint as clients
from identity.commands import COMMANDS
from identity.devices.presence import DeviceKeys
from identity.devices.routes import blueprint as devices
from identity.face.keys import FaceKeys
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
from identity.proofing.settings import SETTINGS
from identity.proofing.terms import legal_person_register, network_identity, population_register
from identity.schema import Base
from identity.sessions.routes import blueprint as sessions
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
    tasks=JOBS,
    schedule=SCHEDULE,
    scopes={
        "openid": Text("确认您的身份", "Know who you are"),
        "profile": Text("查看您的脱敏资料和使用记录", "See your masked profile and who used your data"),
        "phone": Text("查看您手机号的后四位", "See the last four digits of your mobile number"),
        "offline_access": Text("在您退出登录后继续访问", "Go on after you have logged out"),
        "introspect": Text("核查发给本服务的令牌", "Ask whether a token sent to this service is good"),
        "identity:privacy": Text("查看和撤回授权、导出数据、注销", "See and withdraw consents, export data, be erased"),
        "identity:admin": Text("以岗位身份管理身份平台", "Administer identity as your post allows"),
        "identity:face": Text("管理您的人脸授权", "Manage the use of your face"),
        "identity:proofing": Text("查看和提高您的实名等级", "See and raise how well you are proven"),
        "identity:parties": Text("管理您为谁办理、谁可为您办理", "Manage for whom you act and who acts for you"),
        "identity:authenticators": Text("管理您的登录方式", "Manage how you log in"),
        "identity:sessions": Text("查看和退出您登录的设备", "See your devices and log them out"),
        "identity:assist": Text("在窗口协助到场人员", "Help people present at a window"),
        "identity:recovery": Text("为到场人员办理账号找回", "Let people present recover their account"),
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
        PluginSetting(
            name="attestation_roots", default="", meaning="PEM file of the roots that terminals' makers certify keys by"
        ),
        *SETTINGS,
    ),
    providers=(
        Provider(token_verifier, "identity", Verifier()),
        Provider(directory_port, "identity", directory),
        Provider(people, "identity", People()),
        Provider(form_token, "identity", pages.own_form_token),
        Provider(organisations, "identity", activity.organisations),
        Provider(terminal_keys, "identity", DeviceKeys()),
        Provider(providers, "face", FaceProvider()),
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
        Simulator(name="province", module="identity.federation.simulator"),
        Simulator(name="population", module="identity.proofing.simulator.population"),
        Simulator(name="legal-register", module="identity.proofing.simulator.legal_register"),
        Simulator(name="network-identity", module="identity.proofing.simulator.network_identity"),
    ),
    commands=COMMANDS,
    demo=demo.seed,
)
