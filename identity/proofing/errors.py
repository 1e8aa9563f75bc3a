"""Why a person is not proven, and which other ways there are."""

from __future__ import annotations

from app.errors import Conflict, DomainError, Unavailable
from app.text import Text


class RegisterUnavailable(Unavailable):
    """An outside register is down; `register` names it. Nothing was changed."""

    title = Text("外部登记系统暂时无法使用", "An outside register does not answer right now")
    next_step = Text(
        "请稍后重试，或携带身份证到任一服务窗口办理", "Try again later, or bring your card to any service window"
    )


class NotMatched(DomainError):
    """One answer for a wrong name, a number nobody bears and a card of another."""

    status = 422
    title = Text("信息与登记不一致", "This does not match the register")
    next_step = Text(
        "请核对姓名、号码和证件，或到服务窗口办理", "Check name, number and card, or come to a service window"
    )


class DocumentExpired(DomainError):
    status = 422
    title = Text("证件已过期或已挂失", "The card has expired or was reported lost")
    next_step = Text("请使用有效证件", "Use a valid card")


class ProvenElsewhere(Conflict):
    """Another account has proven this number at least as well."""

    title = Text("该号码已由其他账号完成实名认证", "Another account is proven with this number")
    next_step = Text(
        "请登录该账号或找回；如非本人操作，请携带身份证到服务窗口",
        "Log in to or recover that account; if it is not yours, bring your card to a service window",
    )


class TicketNotUsable(DomainError):
    status = 422
    title = Text("网证凭据不可用", "This network identity ticket cannot be used")
    next_step = Text(
        "请在国家网络身份认证 App 重新获取，或改用其他方式", "Get a new one in the national app, or use another way"
    )


class AlreadyProven(Conflict):
    title = Text("已达到该实名等级", "You are proven at this level already")
    next_step = Text("无需重复办理", "Nothing more is needed")


class IdentifierUnusable(DomainError):
    """`errors` name the field; what was typed is not repeated."""

    status = 422
    title = Text("填写的内容有误", "Something was filled in wrongly")
    next_step = Text("请按 errors 更正", "Correct what `errors` names")
