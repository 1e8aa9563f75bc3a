"""What can go wrong between a customer, a terminal and a proof; each names the way on."""

from __future__ import annotations

from typing import Any

from app.errors import DomainError
from app.text import Text

WAYS = ("face", "code", "card", "staff")
ALTERNATIVES = ("code", "card", "staff")
_ANEW = Text("请重新发起核验，或改用动态码、卡证或人工核验", "Open a new session, or use a code, a card or the staff")


def alternatives_to(method: str | None) -> list[str]:
    """Return the other ways to prove presence; none ever stands alone."""
    return [way for way in WAYS if way != (method or "face")]


class PresenceError(DomainError):
    """Base: every refusal names the other ways to prove presence."""

    next_step = _ANEW

    def __init__(self, **members: Any) -> None:
        super().__init__(**{"alternatives": list(ALTERNATIVES), **members})


class SessionUsed(PresenceError):
    status = 409
    title = Text("本次核验已提交过", "This session has already taken its evidence")


class SessionExpired(PresenceError):
    status = 410
    title = Text("本次核验已超时", "This session has expired")


class CaptureSeen(PresenceError):
    status = 409
    title = Text("照片已被使用过", "This picture was sent before")
    next_step = Text("请重新拍摄，或改用其他方式", "Capture anew, or use another way")


class LivenessRefused(PresenceError):
    status = 422
    title = Text("活体检测声明无效", "The terminal's liveness statement is not accepted")
    next_step = Text("请检查终端密钥与声明内容", "Check the terminal's key and what `reason` names")


class PurposeNotOffered(PresenceError):
    """Head turns before a phone never serve a purpose that moves money."""

    status = 403
    title = Text("手机核验不支持此用途", "A phone's camera does not serve this purpose")
    next_step = Text("请到终端核验，或改用动态码、卡证或人工核验", "Go to a terminal, or use another way")


class MethodUnknown(PresenceError):
    status = 422
    title = Text("不支持的核验方式", "This way to prove presence is not offered")
    next_step = Text("请使用 methods 中列出的方式", "Use one of `methods`")


class TooManyGuesses(PresenceError):
    status = 429
    title = Text("核验次数过多", "Too many attempts")
    next_step = Text("请改用其他方式，或在 Retry-After 之后重试", "Use another way, or wait for Retry-After")


class ProofForeign(PresenceError):
    """Also for an unknown proof: nobody learns which proofs exist."""

    status = 403
    title = Text("核验凭据不属于此终端或用途", "There is no such proof for this terminal and purpose")


class ProofExpired(PresenceError):
    status = 410
    title = Text("核验凭据已过期", "The proof has expired")


class ProofUsed(PresenceError):
    status = 409
    title = Text("核验凭据已使用", "The proof was used already")


class NotConfirmed(PresenceError):
    status = 409
    title = Text("顾客尚未确认", "The customer has not confirmed")
    next_step = Text("请由顾客轻触或输入密码确认", "Let the customer confirm by tap or PIN")


class QuoteStale(PresenceError):
    status = 409
    title = Text("确认的内容已变更", "What was confirmed has changed")
    next_step = Text("请重新核验并由顾客确认新的内容", "Prove presence again and confirm the new content")
