"""Look at the books as a stranger would: from entries alone, trusting neither balances nor functions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.db import session


@dataclass(frozen=True, slots=True)
class Finding:
    """One violated rule and where; ids only."""

    rule: str
    where: str


_RULES = {
    "legs sum to zero, two at least": """
        SELECT t.id FROM app.ledger_transfer t LEFT JOIN app.ledger_entry e ON e.transfer_id = t.id
        GROUP BY t.id HAVING count(e.amount) < 2 OR coalesce(sum(e.amount), 0) <> 0""",
    "no entry without its transfer and account": """
        SELECT e.transfer_id FROM app.ledger_entry e LEFT JOIN app.ledger_transfer t ON t.id = e.transfer_id
        LEFT JOIN app.ledger_account a ON a.id = e.account_id AND a.owner = t.owner
        WHERE t.id IS NULL OR a.id IS NULL""",
    "a balance is the sum of its entries": """
        SELECT a.id FROM app.ledger_account a
        LEFT JOIN (SELECT account_id, sum(amount) s FROM app.ledger_entry GROUP BY 1) e ON e.account_id = a.id
        LEFT JOIN (SELECT account_id, sum(amount) s FROM app.ledger_uncounted GROUP BY 1) u ON u.account_id = a.id
        WHERE a.balance + coalesce(u.s, 0) <> coalesce(e.s, 0)""",
    "no balance is below its floor": """
        SELECT id FROM app.ledger_account WHERE balance < floor""",
    "one key, one transfer": """
        SELECT min(id) FROM app.ledger_transfer GROUP BY owner, key HAVING count(*) > 1""",
    "a reservation is resolved once": """
        SELECT parent_id FROM app.ledger_transfer WHERE kind IN ('post', 'void') GROUP BY 1 HAVING count(*) > 1""",
    "a transfer is reversed once": """
        SELECT parent_id FROM app.ledger_transfer WHERE kind = 'reverse' GROUP BY 1 HAVING count(*) > 1""",
    "what is undone is undone whole": """
        SELECT t.id FROM app.ledger_transfer t WHERE t.kind IN ('void', 'reverse') AND EXISTS (
          SELECT account_id FROM (
            SELECT account_id, amount FROM app.ledger_entry WHERE transfer_id = t.id
            UNION ALL SELECT account_id, amount FROM app.ledger_entry WHERE transfer_id = t.parent_id
            UNION ALL SELECT e.account_id, e.amount FROM app.ledger_entry e JOIN app.ledger_transfer p
              ON p.id = t.parent_id AND e.transfer_id = p.parent_id) all_of
          GROUP BY account_id HAVING sum(amount) <> 0)""",
}


def verify() -> list[Finding]:
    """Return every violated rule; an empty list means the books are right. Reads all entries."""
    return [Finding(rule, where) for rule, query in _RULES.items() for where in session().scalars(text(query)).all()]
