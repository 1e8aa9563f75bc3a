"""Kinds of notices, declared by plugins in `notices.yaml`: title and body with named values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import yaml
from flask import Flask, current_app

from app.text import Text

_KEY = "suxin.notice_kinds"


class BadNoticeKind(ValueError):
    """A declaration of notices is wrong; the message names the kind."""


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """Title and body in both languages; `{name}` stands for a value."""

    title: Text
    body: Text

    def names(self) -> set[str]:
        """Return the values that the wording asks for."""
        wordings = (self.title.zh, self.title.en, self.body.zh, self.body.en)
        return {name for wording in wordings for _, name, _, _ in Formatter().parse(wording) if name}


def read(path: Path, owner: str) -> dict[str, NoticeKind]:
    """Return the kinds that an owner's file declares; raises `BadNoticeKind`."""
    kinds = {}
    for name, said in (yaml.safe_load(path.read_text("utf-8")) or {}).items():
        if not name.startswith(f"{owner}."):
            raise BadNoticeKind(f"{name}: begin with `{owner}.`")
        try:
            kinds[name] = NoticeKind(Text(**said["title"]), Text(**said["body"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BadNoticeKind(f"{name}: give title and body, each with zh and en") from error
    return kinds


def install(app: Flask, kinds: Mapping[str, NoticeKind]) -> None:
    """Make kinds known to an app."""
    app.extensions.setdefault(_KEY, {}).update(kinds)


def known(name: str) -> NoticeKind | None:
    """Return a kind, or None; a disabled plugin's notices keep their name only."""
    held: dict[str, NoticeKind] = current_app.extensions.get(_KEY, {})
    return held.get(name)
