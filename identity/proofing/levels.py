"""Proofing levels (Guangdong's five), their place in `acr`, and which way leads to which."""

from __future__ import annotations

from dataclasses import dataclass

from app.text import Text

SELF_STATED, MATCHED, DOCUMENT, HIGHEST = 2, 3, 4, 5

WORDS = {
    1: Text("未实名", "Not named"),
    SELF_STATED: Text("本人填报", "Self-stated"),
    MATCHED: Text("姓名号码核验", "Name and number matched"),
    DOCUMENT: Text("人证核验", "Person, name and document matched"),
    HIGHEST: Text("数字证书或窗口核验", "Certificate or service window"),
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a level: the register asked and the method, as proofing events name them."""

    source: str
    method: str
    level: int
    title: Text


SELF = Way("self", "self-stated", SELF_STATED, Text("本人填报", "Stated by yourself"))
NAME_NUMBER = Way("population", "name-number", MATCHED, Text("核验姓名和号码", "Match name and number"))
CARD = Way("population", "name-number-document", DOCUMENT, Text("核验身份证", "Match the identity card"))
NETWORK = Way(
    "network-identity", "network-certificate", DOCUMENT, Text("使用网证（自愿）", "Network identity (voluntary)")
)
AT_WINDOW = Way("window", "in-person", HIGHEST, Text("到服务窗口", "Come to a service window"))
GUARDIAN = Way("population", "guardianship", MATCHED, Text("由监护人添加", "Added by the guardian"))

OFFERED = (NAME_NUMBER, CARD, NETWORK, AT_WINDOW)


def acr(level: int) -> str:
    """Return the first half of the `acr` that a proofing level gives."""
    return f"ial{level}"


def open_to(level: int) -> list[Way]:
    """Return the ways that lead higher; several always, since the network identity is voluntary (Decree 173, 4)."""
    return [way for way in OFFERED if way.level > level]
