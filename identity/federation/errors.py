"""Why a log-in with an outside provider did not happen, in words for the person."""

from __future__ import annotations

from app.errors import DomainError
from app.text import Text


class ProviderSilent(DomainError):
    """The provider did not answer in time, or not as an OpenID provider does."""

    status = 502
    title = Text("外部登录暂时无法使用", "The outside log-in cannot be used just now")
    next_step = Text("请稍后再试，或用其他方式登录", "Try again later, or log in another way")


class ProviderDeclined(DomainError):
    """The person turned back at the provider, or the provider refused them."""

    status = 403
    title = Text("外部登录没有完成", "The outside log-in was not completed")
    next_step = Text("请重新开始，或用其他方式登录", "Start again, or log in another way")


class AnswerNotTrusted(DomainError):
    """An answer that does not belong to a log-in of this browser, or is not the provider's own."""

    status = 400
    title = Text("无法确认这次登录", "This log-in could not be confirmed")
    next_step = Text("请从登录页重新开始", "Start again from the log-in page")


class NobodyKnown(DomainError):
    """No account whose owner's ID number is proven and fits."""

    status = 403
    title = Text("没有与您匹配的实名账号", "No real-name account of yours was found")
    next_step = Text(
        "请用其他方式登录并完成实名核验，或到服务窗口办理",
        "Log in another way and prove your identity, or visit a service window",
    )


class TurnedOff(DomainError):
    """The person switched this way of logging in off."""

    status = 403
    title = Text("您已关闭这种登录方式", "You have turned this way of logging in off")
    next_step = Text("请用其他方式登录后重新开启", "Log in another way and turn it on again")


class AnotherPerson(DomainError):
    """The provider's account is linked to one person and now names another."""

    status = 403
    title = Text("外部账号与已关联的人不一致", "The outside account names somebody else than before")
    next_step = Text("请到服务窗口核实", "Have it checked at a service window")
