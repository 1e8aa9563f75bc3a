"""The detail type `mandate`: what one person lets a program or another person do for them."""

from __future__ import annotations

import re
from datetime import date

from app.authorization_details import BadDetail, Detail, DetailType
from app.text import Text

_ACTIONS = {
    "read": Text("查看", "read"),
    "apply": Text("申请", "apply"),
    "supplement": Text("补正材料", "hand in what is missing"),
    "sign": Text("签署", "sign"),
    "pay": Text("缴费", "pay"),
    "collect": Text("领取结果", "collect the result"),
}
_MEMBERS = frozenset({"type", "actions", "matters", "locations", "valid_until"})
_MATTER = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9_-]+)+")
_ID = re.compile(r"[a-z]{2,12}_[0-9a-z]{26}")
_MOST_MATTERS = 20


def check(detail: Detail) -> None:
    """Raise `BadDetail` unless the detail says which actions, at most on which matters, and until when.

    Or it names one mandate that the person holds already: `{"type": "mandate", "mandate": "<id>"}`.
    """
    if "mandate" in detail:
        _check_named(detail)
        return
    if not set(detail) <= _MEMBERS:
        raise BadDetail("a mandate has actions, and may have matters, locations and valid_until")
    _check_actions(detail.get("actions"))
    _check_matters(detail.get("matters", ["any.matter"]))
    if "valid_until" in detail:
        _date(detail["valid_until"])


def words(detail: Detail) -> Text:
    """Return the mandate as a sentence."""
    if "mandate" in detail:
        return Text("以您所受的委托为他人办理", "Act for somebody else on a mandate you hold")
    actions = [_ACTIONS[each] for each in detail["actions"]]
    matters = detail.get("matters")
    until = detail.get("valid_until")
    zh = f"代您{'、'.join(each.zh for each in actions)}：{'、'.join(matters) if matters else '所有事项'}"
    en = f"For you: {', '.join(each.en for each in actions)}; {', '.join(matters) if matters else 'every matter'}"
    return Text(zh + (f"，至 {until}" if until else ""), en + (f", until {until}" if until else ""))


def _check_named(detail: Detail) -> None:
    named = detail["mandate"]
    if set(detail) - {"type", "mandate", "locations"} or not isinstance(named, str) or not _ID.fullmatch(named):
        raise BadDetail("a named mandate is its id and nothing else")


def _check_actions(actions: object) -> None:
    if not isinstance(actions, list) or not actions or len(actions) != len({str(each) for each in actions}):
        raise BadDetail("actions is a list of different words")
    if not all(isinstance(each, str) and each in _ACTIONS for each in actions):
        raise BadDetail(f"actions are among {', '.join(_ACTIONS)}")


def _check_matters(matters: object) -> None:
    if not isinstance(matters, list) or not 1 <= len(matters) <= _MOST_MATTERS:
        raise BadDetail("matters is a list of one to twenty codes of the catalogue")
    if not all(isinstance(each, str) and len(each) <= 80 and _MATTER.fullmatch(each) for each in matters):
        raise BadDetail("a matter is named by its code, such as housing.rent")


def _date(value: object) -> None:
    try:
        if not isinstance(value, str) or date.fromisoformat(value).isoformat() != value:
            raise ValueError
    except ValueError:
        raise BadDetail("valid_until is a date, such as 2027-01-31") from None


MANDATE = DetailType(check=check, words=words)
