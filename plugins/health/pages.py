"""The pharmacy's terminal: a page that holds its device key and speaks the public API."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.api import HomeCard, HomeRow, Text, allow_camera, public
from plugins.health.service import settlements

blueprint = pages = Blueprint(
    "health_pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
)


@blueprint.get("/terminal")
@public(because="an empty terminal: it can do nothing without a device key")
def terminal() -> str:
    """Show the terminal, the only page that may use the camera."""
    allow_camera()
    return render_template("health/terminal.html")


def _purchases(subject: str) -> list[HomeRow]:
    bought = settlements.bought_by(subject, cursor=None, limit=5)
    return [
        HomeRow(
            title="、".join(line.name for line in row.lines),
            value=f"¥{row.total_fen // 100}.{row.total_fen % 100:02d}",
            at=row.created_at,
        )
        for row in bought.items
    ]


HOME_CARD = HomeCard(
    title=Text("我的购药", "My purchases"),
    empty=Text("还没有购药记录。", "No purchases yet."),
    audience="health",
    rows=_purchases,
)
ACTION_WORDS = {
    "health.eligibility-read": Text("查询参保状态", "Asked whether you are insured"),
    "health.quote-made": Text("查询参保状态（预结算）", "Asked whether you are insured, for a price"),
    "health.quoted": Text("购药预结算", "Priced a purchase"),
    "health.settled": Text("购药结算", "Settled a purchase"),
    "health.undo-asked": Text("申请撤销购药结算", "Asked to take a purchase back"),
    "health.undone": Text("购药结算已撤销", "Took a purchase back"),
}
