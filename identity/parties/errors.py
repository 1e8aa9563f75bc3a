"""Why somebody may not act for another, and what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from app.errors import Conflict, DomainError, InvalidRequest, NotAllowed
from app.identifiers import BadIdentifier
from app.text import Text

View = TypeVar("View", bound=Callable[..., Any])


class CapacityEnded(NotAllowed):
    """The session acts on a ground that holds no longer; it must not fall back to anybody else's affairs."""

    title = Text("代办关系已失效", "You may no longer act for this party")
    next_step = Text("请到 /account/acting-for 重新选择为谁办理", "Choose again at /account/acting-for")


class ProvenPersonsOnly(NotAllowed):
    title = Text("需要更高的实名等级", "Only persons proven at level 3 or higher may do this")
    next_step = Text("请先在 /account/proofing 完成实名认证", "Complete your proofing at /account/proofing first")


class AdultsOnly(NotAllowed):
    title = Text("未满十八周岁不能办理", "Only adults may do this")
    next_step = Text("请由监护人办理", "Let your guardian do it")


class GuardianMustAct(NotAllowed):
    title = Text("未满十四周岁须由监护人办理", "Under 14 the guardian acts")
    next_step = Text("请监护人登录后在「家庭」中添加", "Let the guardian log in and add the child under Family")


class NotGuardian(DomainError):
    """One answer whether the child is unknown, another's, or in dispute: strangers learn nothing."""

    status = 422
    title = Text("未能核实监护关系", "This guardianship could not be confirmed")
    next_step = Text(
        "请核对姓名和证件号码，或携带证明到窗口办理", "Check name and number, or bring proof to a service window"
    )


class NotLegalRepresentative(DomainError):
    """One answer whether the organisation is unknown, revoked, or another's."""

    status = 422
    title = Text("未能核实法定代表人身份", "You could not be confirmed as its legal representative")
    next_step = Text(
        "请核对统一社会信用代码，或先变更登记", "Check the credit code, or have the register changed first"
    )


class OneselfOnly(DomainError):
    status = 422
    title = Text("不能委托自己", "Nobody can give this to oneself")
    next_step = Text("请填写另一个人", "Name another person")


class AlreadyGiven(Conflict):
    title = Text("已有同一关系或委托", "The same is already given")
    next_step = Text("如需更改请先撤销", "Revoke it first to change it")


class CannotBeGiven(DomainError):
    """`errors` name what a mandate or appointment asks for in vain."""

    status = 422
    title = Text("授权内容无效", "This cannot be given")
    next_step = Text("请按 errors 更正", "Correct what `errors` names")


class Settled(Conflict):
    title = Text("此委托或任命已处理", "This offer has been answered or has ended")
    next_step = Text("请重新读取列表", "Read the list again")


class NotStaff(NotAllowed):
    title = Text("仅限窗口工作人员", "Only staff on duty at a window may do this")
    next_step = Text("请联系管理员授予岗位", "Ask the administrator for the role")


def identifiers_checked(view: View) -> View:
    """Answer a malformed number with the field's error; what was typed is not repeated."""

    @functools.wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except BadIdentifier as error:
            raise InvalidRequest(errors={"json": {error.kind: [error.reason]}}) from None

    return checked  # type: ignore[return-value]
