"""The notices citizens agree to, word for word: one text per purpose and version, never changed once published.

Separate consent after clear notice: 人脸识别技术应用安全管理办法 (in force 2025-06-01) and PIPL, articles 29 to 31.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from app.text import Text

PRESENCE, GATEWAY = "presence", "presence-gateway"
PURPOSES = (PRESENCE, GATEWAY)
CURRENT = "2026-01"

_COMMON = Text(
    "刷脸不是唯一方式：您随时可以使用动态码、卡证或人工核验，不同意不影响办事。照片仅在内存中处理，用后即弃。"
    "您可随时在「人脸授权」中撤回，撤回立即生效并删除模板、销毁密钥。不满十四周岁须由监护人同意。",
    "The face is never the only way: a code, a card or the staff serve you as well, and refusing costs you nothing."
    " Pictures are used in memory and not kept. You can withdraw at any time at the same place: the template is deleted"
    " and its key destroyed at once. Under 14 a guardian has to consent.",
)
NOTICES: dict[tuple[str, str], Text] = {
    ("2026-01", PRESENCE): Text(
        "为了在终端核验您本人在场，本市将您的人脸特征（不是照片）加密保存，仅用于此目的，最长保存二十四个月。"
        + _COMMON.zh,
        "To tell that it is you before a terminal, the city keeps your face's features (no picture), encrypted, for"
        " this purpose only and for at most 24 months. " + _COMMON.en,
    ),
    ("2026-01", GATEWAY): Text(
        "为了在终端核验您本人在场，本市将现场照片和您的身份证号加密传给所选定的人脸核验网关，由其与权威照片比对；"
        "网关只返回是否一致。" + _COMMON.zh,
        "To tell that it is you before a terminal, the city sends the pictures taken there and your ID number,"
        " encrypted, to the appointed face gateway, which compares them with the official portrait and answers yes or"
        " no. " + _COMMON.en,
    ),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One text to agree to, with the digest that a consent keeps of it."""

    purpose: str
    version: str
    zh: str
    en: str

    @property
    def digest(self) -> str:
        """The SHA-256 of both texts: what was agreed to can be shown later."""
        return hashlib.sha256("\n".join((self.purpose, self.version, self.zh, self.en)).encode()).hexdigest()


def notice(purpose: str, version: str = CURRENT) -> Notice:
    """Return a published notice; raises `KeyError`."""
    text = NOTICES[version, purpose]
    return Notice(purpose, version, text.zh, text.en)


def current() -> list[Notice]:
    """Return the notices in force, one per purpose."""
    return [notice(purpose) for purpose in PURPOSES]
