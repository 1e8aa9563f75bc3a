"""Medicine on medical insurance: entitlement, quote, settlement, receipt."""

from pathlib import Path

from app.api import HealthCheck, Plugin, PluginSetting, Provider, Simulator, Text, action_words, cards
from plugins.health import models
from plugins.health.connection import probe
from plugins.health.demo import seed
from plugins.health.pages import ACTION_WORDS, HOME_CARD, pages
from plugins.health.routes import blueprint
from plugins.health.tasks import SCHEDULE, TASKS

plugin = Plugin(
    name="health",
    title=Text("医保购药", "Medicine on medical insurance"),
    version="0.1.0",
    api=(1, 0),
    blueprints=(blueprint,),
    page_blueprints=(pages,),
    providers=(Provider(cards, "health", HOME_CARD), Provider(action_words, "health", ACTION_WORDS)),
    models=models.Base,
    migrations=Path(__file__).parent / "migrations",
    declarations=Path(__file__).parent / "declarations",
    tasks=TASKS,
    schedule=SCHEDULE,
    scopes={
        "health:read": Text("查看药品目录与结算记录", "See the medicine list and settlements"),
        "health:settle": Text("查询待遇、预结算与结算", "Check entitlement, quote and settle"),
        "health:undo": Text("撤销结算", "Undo a settlement"),
    },
    settings=(
        PluginSetting(name="insurer_url", default="", meaning="Address of the insurer's national interface"),
        PluginSetting(name="insurer_socket", default="", meaning="Unix socket of the insurer; used without a URL"),
        PluginSetting(name="answer_within_ms", default="800", meaning="How long a till waits for the insurer"),
        PluginSetting(
            name="settle_deadline_seconds", default="10",
            meaning="How long after sending a settlement may still reach the insurer; only then is it reversed",
        ),
        PluginSetting(
            name="fund_includes_account", default="0",
            meaning="1 where the province counts the personal account within fund_pay_sumamt",
        ),
    ),
    demo=seed,
    health=(HealthCheck(name="insurer", probe=probe),),
    simulators=(Simulator(name="insurer", module="plugins.health.insurer.simulator"),),
    slots=8,
)  # fmt: skip
