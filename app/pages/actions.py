"""The audit trail's words as a citizen reads them."""

from __future__ import annotations

from flask import current_app

from app.pages.ports import action_words
from app.text import Text

_ACTIONS = {
    "identity.logged-in": Text("登录", "Logged in"),
    "identity.logged-out": Text("退出登录", "Logged out"),
    "identity.consented": Text("授权应用访问", "Access given to an app"),
    "identity.token-issued": Text("应用开始访问", "An app began its access"),
    "identity.request-denied": Text("拒绝设备或应用的请求", "A device's or app's request refused"),
    "identity.token-exchanged": Text("专区代您调用另一服务", "A plugin called another service for you"),
    "identity.person-registered": Text("登记实名信息", "Real-name record registered"),
    "identity.account-opened": Text("开通账号", "Account opened"),
    "identity.password-set": Text("设置密码", "Password set"),
    "identity.face-consent-given": Text("同意使用人脸", "Consent to use the face"),
    "identity.face-consent-withdrawn": Text("撤回人脸同意", "Consent to use the face withdrawn"),
    "identity.face-enrolled": Text("登记人脸信息", "Face enrolled"),
    "certificate.issued": Text("签发电子证照", "Certificate issued"),
    "presence.decided": Text("核验本人", "Checked that you were present"),
    "presence.confirmed": Text("本人确认", "You confirmed"),
    "presence.code-issued": Text("出示动态码", "A code was shown"),
    "presence.consumed": Text("使用核验凭据", "The proof of presence was used"),
}
_OWNERS = {
    "presence": Text("核验本人", "Checked that you were present"),
    "people": Text("查看基本信息", "Read your basic data"),
    "certificates": Text("使用电子证照", "Used your certificate"),
    "certificate": Text("使用电子证照", "Used your certificate"),
    "identity": Text("账户与身份", "Account and identity"),
    "notices": Text("发送消息", "Sent you a message"),
}
_KINDS = {
    "citizen": Text("市民", "A citizen"),
    "official": Text("工作人员", "An official"),
    "terminal": Text("药店终端", "A pharmacy terminal"),
    "client": Text("应用", "An app"),
    "system": Text("系统", "The system"),
}
_OUTCOMES = {
    "ok": Text("完成", "Done"),
    "refused": Text("被拒绝", "Refused"),
    "matched": Text("一致", "Matched"),
    "not_matched": Text("不一致", "Not matched"),
    "retry": Text("请重拍", "To be taken again"),
    "use_alternative": Text("改用其他方式", "Another way"),
}


def action(name: str) -> Text:
    """Return the words for an action, or for its owner's doings; an unknown one is shown as it is."""
    owner = name.partition(".")[0]
    told = action_words.get(owner) or {}
    return told.get(name) or _ACTIONS.get(name) or _OWNERS.get(owner) or _mounted().get(owner) or Text(name, name)


def purpose(name: str | None) -> Text | None:
    """Return the words for a purpose: the title of the scenario that asked."""
    if not name:
        return None
    owner = name.partition(":")[0]
    return _mounted().get(owner) or _OWNERS.get(owner) or Text(name, name)


def kind(name: str) -> Text:
    """Return the words for who acted."""
    return _KINDS.get(name, Text(name, name))


def outcome(name: str) -> Text:
    """Return the words for how it ended."""
    return _OUTCOMES.get(name, Text(name, name))


def _mounted() -> dict[str, Text]:
    registry = current_app.extensions.get("suxin.registry")
    return {plugin.name: plugin.title for plugin in getattr(registry, "mounted", ()) if plugin.name != "identity"}
