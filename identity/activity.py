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
from identity.parties import names as party_names
from identity.parties.acting import CapacityKind
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
    "identity.authenticator-added": Text("新增登录方式", "A way to log in added"),
    "identity.authenticator-renamed": Text("登录方式改名", "A way to log in renamed"),
    "identity.authenticator-removed": Text("移除登录方式", "A way to log in removed"),
    "identity.passkey-suspect": Text("通行密钥可能被复制，已停用", "A passkey may be copied and was stopped"),
    "identity.code-sent": Text("发送短信验证码", "A code was sent to your mobile"),
    "identity.device-let-in": Text("用手机让另一台设备登录", "Another device logged in by phone"),
    "identity.ticket-issued": Text("窗口或终端为您开出凭证", "A window or terminal gave you a ticket"),
    "identity.recovery-cancelled": Text("取消账号找回", "Recovery cancelled"),
    "identity.recovered": Text("找回账号", "Account recovered"),
    "identity.provider-linked": Text("关联外部登录账号", "An outside log-in account was linked"),
    "identity.provider-turned-off": Text("关闭外部账号登录", "Log-in with an outside account turned off"),
    "identity.provider-turned-on": Text("开启外部账号登录", "Log-in with an outside account turned on"),
    "identity.consented": Text("授权应用访问", "Access given to an app"),
    "identity.token-issued": Text("应用开始访问", "An app began to use its access"),
    "identity.request-denied": Text("拒绝设备或应用的请求", "A device's or app's request refused"),
    "identity.token-exchanged": Text("专区代您调用另一服务", "A plugin called another service for you"),
    "identity.organisation-disabled": Text("停用单位", "Organisation stopped"),
    "identity.acting-chosen": Text("选择为谁办理", "Chose for whom to act"),
    "identity.relationship-entered": Text("登记监护或代表关系", "A guardian or representative was entered"),
    "identity.relationship-disputed": Text("关系存在争议，已暂停", "A relationship is in dispute and suspended"),
    "identity.relationship-settled": Text("关系争议已解决", "A dispute about a relationship was settled"),
    "identity.relationship-ended": Text("监护或代表关系终止", "A guardian or representative ended"),
    "identity.agent-appointed": Text("任命经办人", "An agent was appointed"),
    "identity.agent-accepted": Text("经办人接受任命", "An agent accepted"),
    "identity.agent-refused": Text("经办人拒绝任命", "An agent refused"),
    "identity.agent-dismissed": Text("解除经办人", "An agent was dismissed"),
    "identity.mandate-given": Text("委托亲友代办", "A mandate was given"),
    "identity.mandate-accepted": Text("委托被接受", "A mandate was accepted"),
    "identity.mandate-refused": Text("委托被拒绝", "A mandate was refused"),
    "identity.mandate-revoked": Text("委托被撤销", "A mandate was revoked"),
    "identity.assistance-begun": Text("窗口人员开始代办", "Window staff began to act for you"),
    "identity.assistance-ended": Text("窗口人员结束代办", "Window staff finished acting for you"),
    "identity.proofing-raised": Text("实名等级提高", "Your proofing level rose"),
    "identity.proofing-refused": Text("实名核验未通过", "A proofing attempt failed"),
    "identity.proofing-fell": Text("实名等级降低", "Your proofing level fell"),
    "identity.network-identity-bound": Text("开始使用网证", "The national network identity is used"),
    "identity.network-identity-forgotten": Text("停止使用网证", "The national network identity is no longer used"),
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
    "presence.decided": Text("核验本人", "Checked that you were present"),
    "presence.confirmed": Text("本人确认", "You confirmed"),
    "presence.code-issued": Text("出示动态码", "A code was shown"),
    "presence.consumed": Text("使用核验凭据", "The proof of presence was used"),
    "certificate.issued": Text("签发电子证照", "Certificate issued"),
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
    if entry.acting_for is not None:
        return _acting(entry, tongue)
    if entry.organisation in names:
        return names[entry.organisation]
    kind = _KINDS.get(entry.kind)
    return kind.to(tongue) if kind else entry.kind


def _acting(entry: audit.Entry, tongue: str) -> str:
    """Return as what somebody acted for the party, and who, masked; window staff stays without a name."""
    kind = CapacityKind(entry.capacity or CapacityKind.SELF)
    name = "" if kind is CapacityKind.STAFF else party_names.name_of(entry.actor)
    return f"{party_names.KINDS[kind].to(tongue)} {name}".strip()


def organisations(ids: set[str]) -> dict[str, str]:
    """Return names of organisations by id; terminals in a plugin's audience are known by their terminal's owner."""
    if not ids:
        return {}
    found = session().execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids)))
    return {row.id: row.name for row in found}
