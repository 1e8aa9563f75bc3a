"""Why a privacy request is refused."""

from __future__ import annotations

from app.errors import Conflict
from app.text import Text


class ExportOpen(Conflict):
    title = Text("已有一份导出待领取", "An export is being made or waits for you")
    next_step = Text("请先下载，或等待其过期", "Download it first, or wait until it expires")


class ErasureOpen(Conflict):
    title = Text("注销申请已提交", "Your erasure is already asked for")
    next_step = Text("冷静期内可以撤回", "You can take it back until it is due")
