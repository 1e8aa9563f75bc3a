"""States, stages and kinds of acting for others, in plain words."""

from __future__ import annotations

from app.errors import language
from app.text import Text
from identity.parties import details
from identity.showing import in_words

_TERMS = {
    "child": Text("未满十四周岁", "below 14"),
    "minor": Text("十四至十八周岁", "14 to 18"),
    "adult": Text("已成年", "of age"),
    "offered": Text("待接受", "waiting for an answer"),
    "active": Text("生效", "in force"),
    "disputed": Text("有争议，已暂停", "in dispute, suspended"),
    "lapsed": Text("已不适用", "no longer applies"),
    "expired": Text("已到期", "expired"),
    "ended": Text("已终止", "ended"),
    "refused": Text("已拒绝", "refused"),
    "revoked": Text("已撤销", "revoked"),
    "guardian": Text("监护人", "guardian"),
    "legal_representative": Text("法定代表人", "legal representative"),
    "agent": Text("经办人", "agent"),
}


def terms() -> dict[str | None, str]:
    """Return every word in the reader's language; nothing for what is not said."""
    tongue = language()
    return {None: "", **{name: text.to(tongue) for name, text in _TERMS.items()}}


def offered() -> list[tuple[str, str]]:
    """Return what may be given to others, as `audience scope` with its title."""
    return [
        (f"{audience} {scope}", title)
        for audience, scopes in details.offered().items()
        for scope, title in in_words(scopes)
    ]


def scope_titles() -> dict[str, str]:
    """Return the titles of all scopes that may be given."""
    return {value.partition(" ")[2]: title for value, title in offered()}
