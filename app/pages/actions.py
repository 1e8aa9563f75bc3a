"""The audit trail's words as a citizen reads them."""

from __future__ import annotations

from app.text import Text

_ACTIONS = {
    "presence": Text("核验本人身份", "Checked that you were present"),
    "people": Text("查看基本信息", "Read your basic data"),
    "face": Text("使用人脸信息", "Used your face data"),
    "certificates": Text("使用电子证照", "Used your certificate"),
    "certificate": Text("使用电子证照", "Used your certificate"),
    "health": Text("医保购药", "Medicine on insurance"),
    "identity": Text("登录与账户", "Log-in and account"),
    "notices": Text("发送消息", "Sent you a message"),
}
_KINDS = {
    "citizen": Text("市民", "A citizen"),
    "official": Text("工作人员", "An official"),
    "terminal": Text("药店终端", "A pharmacy terminal"),
    "client": Text("应用", "An app"),
    "system": Text("系统", "The system"),
}
_OUTCOMES = {"ok": Text("完成", "Done"), "refused": Text("被拒绝", "Refused")}


def action(name: str) -> Text:
    """Return the words for an action, by its owner; an unknown one is shown as it is."""
    return _ACTIONS.get(name.partition(".")[0], Text(name, name))


def kind(name: str) -> Text:
    """Return the words for who acted."""
    return _KINDS.get(name, Text(name, name))


def outcome(name: str) -> Text:
    """Return the words for how it ended."""
    return _OUTCOMES.get(name, Text(name, name))
