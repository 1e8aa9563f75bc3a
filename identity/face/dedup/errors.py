"""Why a search over all citizens does not begin."""

from __future__ import annotations

from app.errors import Conflict, NotAllowed
from app.text import Text


class NotAuthorised(NotAllowed):
    title = Text("您无权发起或批准人脸查重", "You may neither ask for nor approve this search")
    next_step = Text("请由获授权的工作人员办理", "Let an official do it who is appointed for it")


class SecondPersonNeeded(NotAllowed):
    title = Text("须由另一人批准", "Somebody else has to approve")
    next_step = Text("请由另一名获授权的工作人员批准", "Let another appointed official approve")


class NotWaiting(Conflict):
    title = Text("该任务不在待批准状态", "This search does not wait for an approval")
    next_step = Text("请查看其状态", "Look at its state")
