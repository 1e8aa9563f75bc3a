"""Kinds of notices, declared by plugins in `notices.yaml`: title and body with named values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

import yaml
from flask import Flask, current_app

from app.text import Text

_KEY = "suxin.notice_kinds"
_LONGEST_NAME = 80


class BadNoticeKind(ValueError):
    """A declaration of notices is wrong; the message names the kind."""


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """Title and body in both languages; `{name}` stands for a value."""

    title: Text
    body: Text

    def wordings(self) -> tuple[str, str, str, str]:
        """Return every wording."""
        return self.title.zh, self.title.en, self.body.zh, self.body.en

    def names(self) -> set[str]:
        """Return the values that the wording asks for."""
        return {name for wording in self.wordings() for _, name, _, _ in Formatter().parse(wording) if name}


def read(path: Path, owner: str) -> dict[str, NoticeKind]:
    """Return the kinds that an owner's file declares; raises `BadNoticeKind`."""
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadNoticeKind(f"{path.name} cannot be read: {error}") from error
    if not isinstance(said or {}, dict):
        raise BadNoticeKind(f"{path.name}: begin each kind with its name")
    return {name: _kind(name, body, owner) for name, body in (said or {}).items()}


def _kind(name: Any, said: Any, owner: str) -> NoticeKind:
    if not isinstance(name, str) or not name.startswith(f"{owner}.") or len(name) > _LONGEST_NAME:
        raise BadNoticeKind(f"{name}: begin with `{owner}.` and stay below {_LONGEST_NAME} signs")
    try:
        kind = NoticeKind(Text(**said["title"]), Text(**said["body"]))
        plain = all(_plain(wording) for wording in kind.wordings())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadNoticeKind(f"{name}: give title and body, each with zh and en, braces in pairs") from error
    if not plain:
        raise BadNoticeKind(f"{name}: in braces stands a value's name and nothing else")
    return kind


def _plain(wording: str) -> bool:
    # `{0}`, `{a.b}` and `{a:>9}` would reach into the value, or fail when the citizen reads.
    fields = [part[1:] for part in Formatter().parse(wording) if part[1] is not None]
    return all(str(name).isidentifier() and not spec and not conversion for name, spec, conversion in fields)


def install(app: Flask, kinds: Mapping[str, NoticeKind]) -> None:
    """Make kinds known to an app."""
    app.extensions.setdefault(_KEY, {}).update(kinds)


def known(name: str) -> NoticeKind | None:
    """Return a kind, or None; a disabled plugin's notices keep their name only."""
    held: dict[str, NoticeKind] = current_app.extensions.get(_KEY, {})
    return held.get(name)
