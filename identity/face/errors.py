"""Why a face is not enrolled, and what to do."""

from __future__ import annotations

from app.errors import Conflict, DomainError, NotAllowed, Unavailable
from app.text import Text


class ConsentMissing(NotAllowed):
    title = Text("缺少人脸信息处理的单独同意", "There is no separate consent to the use of the face")
    next_step = Text("请先在「人脸授权」中同意，或使用其他方式", "Consent first at /api/identity/face/consents")


class ConsentGiven(Conflict):
    title = Text("已经同意过", "This consent is already given")
    next_step = Text("如需更换请先撤回", "Withdraw it first to change it")


class ProofingTooLow(NotAllowed):
    title = Text("实名等级不足", "The person is not proven well enough")
    next_step = Text("请先完成实名认证", "Complete real-name proofing first")


class GuardianNeeded(NotAllowed):
    title = Text("未满十四周岁须由监护人同意", "Under 14, a guardian has to consent")
    next_step = Text("请由监护人到窗口办理", "Come to a service window with the guardian")


class PhotographUnfit(DomainError):
    """`reasons` hold the codes of each photograph, worst first."""

    status = 422
    title = Text("照片不符合要求", "A photograph cannot be used")
    next_step = Text("请按 reasons 重新拍摄", "Take it again as `reasons` say")


class FaceOff(Unavailable):
    title = Text("本市尚未启用刷脸", "Face recognition is not in operation here")
    next_step = Text("请使用动态码、卡证或人工核验", "Use a code, a card or the staff")


class FaceBusy(Unavailable):
    title = Text("当前人脸登记人数较多", "Too many faces are being looked at")
    next_step = Text("请在 Retry-After 之后重试", "Try again after Retry-After")
