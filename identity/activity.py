"""Who looked at my data, in plain words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import audit, paging
from app.db import session
from app.errors import language
from app.pages.ports import action_words
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
    "identity.consented": Text("授权应用访问", "Access given to an app"),
    "identity.token-issued": Text("应用开始访问", "An app began to use its access"),
    "identity.person-enabled": Text("恢复身份", "Identity let in again"),
    "identity.person-looked-up": Text("工作人员查询身份", "Looked up by an official"),
    "identity.duplicates-searched": Text("查找重复身份", "Search for the same human under another number"),
    "identity.person-erased": Text("注销并删除数据", "Data erased"),
    "identity.staff-role-given": Text("授予工作岗位", "A post was given"),
    "identity.staff-role-ended": Text("终止工作岗位", "A post ended"),
    "identity.capacity-chosen": Text("选择以何身份办事", "Chose in which capacity to act"),
    "identity.consent-withdrawn": Text("撤回应用授权", "An app's access withdrawn"),
    "identity.export-asked": Text("申请导出数据", "Export of data asked for"),
    "identity.export-fetched": Text("下载导出数据", "Export of data downloaded"),
    "identity.data-exported": Text("汇集个人数据", "All data gathered for an export"),
    "identity.erasure-asked": Text("申请注销", "Erasure asked for"),
    "identity.erasure-cancelled": Text("撤回注销申请", "Erasure request taken back"),
    "identity.face-consent-given": Text("同意使用人脸", "Consent to the use of the face"),
    "identity.face-consent-withdrawn": Text("撤回人脸授权", "Face consent withdrawn"),
    "identity.face-enrolled": Text("录入人脸", "Face enrolled"),
    "identity.face-erased": Text("删除人脸", "Face erased"),
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
    return _all_worded(audit.about(party), party)


def page_of(
    party: str,
    *,
    cursor: str | None,
    limit: int,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    others_only: bool = False,
) -> paging.Page[dict[str, Any]]:
    """Return one page of the uses of a party's data, newest first, worded for that party."""
    query = audit.lines_about(
        party, action=action, since=since, until=until, by_others_than=party if others_only else None
    )
    found = paging.page(query, key=(audit.AuditLeaf.at, audit.AuditLeaf.id), cursor=cursor, limit=limit)
    return paging.Page(_all_worded([audit.entry(leaf) for leaf in found.items], party), found.next_cursor)


def everything(party: str, *, most: int = 10_000) -> list[dict[str, Any]]:
    """Return the party's newest uses for an export."""
    entries = audit.about(party, limit=most)
    return [{**each, "at": each["at"].isoformat()} for each in _all_worded(entries, party)]


def words() -> dict[str, Text]:
    """Return every action a person may meet in their list, with its words; plugins' words come from their port."""
    return {**_WORDS, **{action: text for each in action_words.all().values() for action, text in each.items()}}


def _all_worded(entries: list[audit.Entry], party: str) -> list[dict[str, Any]]:
    names = organisations({entry.organisation for entry in entries if entry.organisation})
    return [_worded(entry, party, names) for entry in entries]


def _worded(entry: audit.Entry, party: str, names: dict[str, str]) -> dict[str, Any]:
    tongue = language()
    known = words().get(entry.action)
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
