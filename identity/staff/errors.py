"""Why an official may not do this."""

from __future__ import annotations

from app.errors import Conflict, InvalidRequest, NotAllowed
from app.text import Text


class DeskNeeded(NotAllowed):
    title = Text("您的岗位无此权限", "Your desk does not do this")
    next_step = Text("请由 required_roles 中的岗位办理", "Ask somebody at one of the desks in `required_roles`")


class SecondPersonNeeded(NotAllowed):
    title = Text("须由另一人批准", "A second person must approve this")
    next_step = Text(
        "请由另一位工作人员在其本人的登录中批准", "Let another official approve it in a session of their own"
    )


class ApprovalNeeded(Conflict):
    title = Text("此操作须双人批准", "This act needs two persons")
    next_step = Text("请先提出申请并由另一人批准", "Propose it at /api/identity/admin/approvals and have it approved")


class ApprovalOver(Conflict):
    title = Text("此申请已处理或已过期", "This proposal is decided, done, or too old")
    next_step = Text("请重新提出申请", "Propose it again")


class UnknownAct(InvalidRequest):
    title = Text("没有此类操作", "There is no such act")
    next_step = Text("请从 known_acts 中选择", "Choose one of `known_acts`")


class BadArguments(InvalidRequest):
    title = Text("操作参数有误", "The act's arguments do not fit")
    next_step = Text("请按 errors 中的提示更正", "Correct the fields named in `errors`")


class NotYourCapacity(NotAllowed):
    title = Text("您不是该单位的工作人员", "You do not work for that organisation")
    next_step = Text("请从您的任职中选择", "Choose one of your own posts")
