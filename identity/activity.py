"""Who looked at my data, in plain words."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app import audit
from app.db import session
from app.errors import language
from app.text import Text
from identity.parties.models import Organisation

_WORDS = {
    "identity.person-registered": Text("登记实名信息", "Real-name record registered"),
    "identity.account-opened": Text("开通账号", "Account opened"),
    "identity.account-disabled": Text("停用账号", "Account stopped"),
    "identity.person-disabled": Text("停用身份", "Identity stopped"),
    "identity.password-set": Text("设置密码", "Password set"),
    "identity.logged-in": Text("登录", "Logged in"),
    "identity.logged-out": Text("退出登录", "Logged out"),
    "identity.log-in-refused": Text("登录失败", "Log-in refused"),
    "identity.provider-linked": Text("关联外部登录账号", "An outside log-in account was linked"),
    "identity.provider-turned-off": Text("关闭外部账号登录", "Log-in with an outside account turned off"),
    "identity.provider-turned-on": Text("开启外部账号登录", "Log-in with an outside account turned on"),
    "identity.consented": Text("授权应用访问", "Access given to an app"),
    "identity.token-issued": Text("应用开始访问", "An app began to use its access"),
    "identity.request-denied": Text("拒绝设备或应用的请求", "A device's or app's request refused"),
    "identity.token-exchanged": Text("专区代您调用另一服务", "A plugin called another service for you"),
    "identity.code-replayed": Text("授权码被重复使用，已撤销授权", "A code was used twice; the access was withdrawn"),
}
_KINDS = {
    "citizen": Text("个人", "A person"),
    "official": Text("工作人员", "An official"),
    "terminal": Text("终端", "A terminal"),
    "client": Text("应用", "An app"),
    "system": Text("系统", "The system"),
}
_YOURSELF = Text("本人", "Yourself")


def of(party: str) -> list[dict[str, Any]]:
    """Return the newest uses of a party's data, worded for that party."""
    entries = audit.about(party)
    names = organisations({entry.organisation for entry in entries if entry.organisation})
    return [_worded(entry, party, names) for entry in entries]


def _worded(entry: audit.Entry, party: str, names: dict[str, str]) -> dict[str, Any]:
    tongue = language()
    known = _WORDS.get(entry.action)
    return {
        "id": entry.id,
        "at": entry.at,
        "action": entry.action,
        "words": known.to(tongue) if known else entry.action,
        "by": _by(entry, party, names, tongue),
        "purpose": entry.purpose,
        "outcome": entry.outcome,
    }


def _by(entry: audit.Entry, party: str, names: dict[str, str], tongue: str) -> str:
    if entry.actor == party:
        return _YOURSELF.to(tongue)
    if entry.organisation in names:
        return names[entry.organisation]
    kind = _KINDS.get(entry.kind)
    return kind.to(tongue) if kind else entry.kind


def organisations(ids: set[str]) -> dict[str, str]:
    """Return names of organisations by id; terminals in a plugin's audience are known by their terminal's owner."""
    if not ids:
        return {}
    found = session().execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids)))
    return {row.id: row.name for row in found}
