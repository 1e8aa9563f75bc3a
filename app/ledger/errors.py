"""What the ledger refuses."""

from __future__ import annotations

from app.errors import Conflict, InvalidRequest, NotFound
from app.text import Text


class InsufficientFunds(Conflict):
    title = Text("余额不足", "The account holds too little")
    next_step = Text("请减少金额或改用其他账户支付", "Ask for less, or pay from another account")


class AlreadyResolved(Conflict):
    """A reservation was posted or voided before, or a transfer reversed before."""

    title = Text("此笔资金已处理", "This money was dealt with before")
    next_step = Text("请查询原交易的结果", "Ask for the outcome of the first transfer")


class TransferKeyReused(Conflict):
    title = Text("此键已用于另一笔资金", "This key was used for another transfer")
    next_step = Text("新的意图请使用新的键", "Use a new key for a new intent")


class UnusableAccount(Conflict):
    title = Text("账户不可用", "The account cannot be used")
    next_step = Text("请检查账户是否存在、是否已关闭", "Check that the account exists, is open and is yours")


class NoSuchTransfer(NotFound):
    title = Text("没有这笔资金", "There is no such transfer")
    next_step = Text("请检查编号", "Check the identifier")


class BadLegs(InvalidRequest):
    title = Text("金额不平或不合法", "The amounts do not balance or are not whole fen")
    next_step = Text("请以整数分给出借贷相等的金额", "Give whole fen that sum to zero, at two accounts at least")
