"""What can go wrong at the till, and what the pharmacist does next."""

from __future__ import annotations

from app.api import Conflict, DomainError, NotAllowed, Text, Unavailable


class NotDesignated(NotAllowed):
    title = Text("本机构不是医保定点药店", "This organisation is not a designated pharmacy")
    next_step = Text("请联系医保经办机构办理定点", "Ask the insurance agency to designate the pharmacy")


class NotPayable(DomainError):
    """The insurer does not pay for this person today."""

    status = 422


class NotEnrolled(NotPayable):
    title = Text("未参加基本医疗保险", "The customer is not enrolled in the medical insurance")
    next_step = Text("请顾客自费购买，或到医保窗口参保", "Sell for cash, or send the customer to the insurance window")


class InArrears(NotPayable):
    title = Text("医保欠费，暂停待遇", "Contributions are in arrears, so the insurance does not pay")
    next_step = Text("请顾客补缴后再试，本次可自费", "The customer pays the arrears first; this time sell for cash")


class Frozen(NotPayable):
    title = Text("医保待遇已冻结", "The insurance is frozen")
    next_step = Text("请顾客联系医保经办机构，本次可自费", "The customer asks the agency; sell for cash now")


class FiledElsewhere(NotPayable):
    title = Text("参保关系在外地，未办异地备案", "The customer is insured elsewhere and has not filed for here")
    next_step = Text("请顾客在国家医保平台办理异地备案", "The customer files for treatment elsewhere, then tries again")


class VoucherExpired(NotPayable):
    title = Text("医保电子凭证已失效", "The insurance voucher has expired")
    next_step = Text("请顾客重新核验身份后再试", "Verify the customer again")


class InsurerRefused(NotPayable):
    title = Text("医保拒绝本次结算", "The insurer refused this purchase")
    next_step = Text(
        "请核对药品与价格后重新预结算，或改为自费",
        "Check medicines and prices and quote again, or sell for cash",
    )


class BadLine(DomainError):
    """A line of the quote cannot be sold on insurance; `line` says which (from 0)."""

    status = 422


class NotOnCatalogue(BadLine):
    title = Text("药品不在医保目录内", "The medicine is not on the insurance catalogue")
    next_step = Text("请将该药品移出并自费结算", "Take the line out and sell it for cash")


class OverPriceLimit(BadLine):
    title = Text("单价超过医保支付限价", "The price is above the insurance price limit")
    next_step = Text("请按 limit_fen 以内的价格重新预结算", "Quote again with a price within `limit_fen`")


class TraceCodeMissing(BadLine):
    title = Text("缺少药品追溯码", "Traceability codes are missing")
    next_step = Text("请逐盒扫描追溯码，每盒一个", "Scan the code of every pack: `needed` packs, `given` codes")


class TraceCodeRepeated(BadLine):
    title = Text("追溯码重复扫描", "A traceability code was scanned twice")
    next_step = Text("请删除重复的追溯码，扫描另一盒", "Remove it and scan the other pack")


class TraceCodeSold(Conflict):
    title = Text("该追溯码已售出", "This pack was sold before")
    next_step = Text("请换一盒重新预结算，并留存该盒备查", "Quote again with another pack; keep this one aside")


class NotUndoable(Conflict):
    title = Text("该笔未成功结算，无需撤销", "This settlement never took effect, so there is nothing to undo")
    next_step = Text("请查询该笔的状态", "Look at its state")


class AlreadyCleared(Conflict):
    title = Text("该笔已清算，不能撤销", "This settlement was cleared with the insurer and cannot be undone")
    next_step = Text("请到医保经办机构办理退费", "Ask the insurance agency for a refund")


class QuoteExpired(Conflict):
    title = Text("预结算已失效", "The quote is no longer valid")
    next_step = Text("请重新预结算并请顾客再次确认", "Quote again and let the customer confirm the new amounts")


class QuoteForeign(Conflict):
    title = Text("预结算不属于此终端或此核验", "The quote belongs to another terminal or another proof")
    next_step = Text("请在本终端重新核验并预结算", "Verify the customer at this terminal and quote again")


class KeyUsed(Conflict):
    """The same Idempotency-Key came with another body or from another pharmacy."""

    title = Text("此键已用于另一笔结算", "This key was used for another settlement")
    next_step = Text("新的结算请使用新的键；重试请原样重发", "Use a new key for a new sale; repeat a retry unchanged")


class AlreadySettling(Conflict):
    title = Text("此预结算已提交结算", "This quote was already submitted under another key")
    next_step = Text(
        "请用原键查询结果，切勿换键重试",
        "Ask for the result with the first key; never retry with a new one",
    )


class InsurerUnreachable(Unavailable):
    title = Text("医保系统暂时无法连接，未产生任何扣款", "The insurer cannot be reached; nothing was charged")
    next_step = Text("请稍后重试；急需用药可自费", "Try again in a moment; sell for cash if it cannot wait")


class SettlementNotSent(Unavailable):
    title = Text("未能送达医保系统，未产生任何扣款", "The insurer could not be reached; nothing was charged")
    next_step = Text("请重新核验顾客并重新预结算", "Verify the customer again and make a new quote")


class NoAnswer(Conflict):
    title = Text("医保未返回结果，本次结算已冲正，未扣款", "The insurer gave no answer; the settlement was reversed")
    next_step = Text("请重新核验顾客并重新预结算", "Verify the customer again and make a new quote")


class SplitChanged(Conflict):
    title = Text(
        "结算金额与顾客确认的不一致，已自动撤销",
        "The amounts differed from the confirmed ones; it was undone",
    )
    next_step = Text("请重新核验顾客，按新的金额确认", "Verify the customer again and confirm the new amounts")


REFUSALS: dict[str, type[NotPayable]] = {
    "not_enrolled": NotEnrolled,
    "ended": NotEnrolled,
    "arrears": InArrears,
    "frozen": Frozen,
    "filed_elsewhere": FiledElsewhere,
    "voucher_expired": VoucherExpired,
}


def settlement_refusal(code: str) -> type[DomainError]:
    """Return the kind of problem a refused settlement answers with, now and whenever it is asked again."""
    return SettlementNotSent if code == "insurer_unreachable" else REFUSALS.get(code, InsurerRefused)


def refusal(code: str) -> NotPayable:
    """Return the problem for a definite no of the insurer."""
    kind = REFUSALS.get(code, InsurerRefused)
    return kind(reason=code)
