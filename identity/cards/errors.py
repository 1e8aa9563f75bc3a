"""Why a card cannot be entered or given a PIN."""

from __future__ import annotations

from app.errors import Conflict, DomainError
from app.text import Text


class CardKnown(Conflict):
    title = Text("该卡号已登记", "This card number is already entered")
    next_step = Text("请核对卡号", "Check the number")


class WeakPin(DomainError):
    status = 422
    title = Text("密码过于简单", "The PIN is too easy to guess")
    next_step = Text("请避免重复或连续的数字", "Avoid repeated and consecutive digits")
