"""Why a terminal cannot be enrolled."""

from __future__ import annotations

from app.errors import InvalidRequest, NotAllowed
from app.text import Text


class CodeRefused(NotAllowed):
    # One answer for every cause: a guesser learns nothing from it.
    title = Text("注册码不可用", "The enrolment code cannot be used")
    next_step = Text("请向单位工作人员索取新的注册码", "Ask the organisation's staff for a new code")


class PossessionUnproven(InvalidRequest):
    title = Text("未证明持有密钥", "Possession of the key is not proven")
    next_step = Text("请按 reason 中的提示用该密钥重新签名", "Sign again with that key as `reason` says")
