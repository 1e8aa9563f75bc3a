"""The medicine catalogue: what the insurance pays for, by version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select

from app.api import Page, add, now, page, session
from plugins.health.models import CatalogueItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """One medicine as a catalogue version states it."""

    code: str
    name: str
    spec: str
    price_limit_fen: int
    copay_basis_points: int
    prescription: bool
    traced: bool = False


def search(*, q: str | None, cursor: str | None, limit: int) -> Page[CatalogueItem]:
    """Return current medicines whose name begins with or contains `q`, or whose code is `q`."""
    query = select(CatalogueItem).where(CatalogueItem.ended_at.is_(None))
    if q:
        query = query.where(or_(CatalogueItem.name.contains(q, autoescape=True), CatalogueItem.code == q))
    return page(query, key=(CatalogueItem.code,), cursor=cursor, limit=limit, newest_first=False)


def current(codes: Iterable[str]) -> dict[str, CatalogueItem]:
    """Return the current versions of these codes; unknown codes are missing."""
    rows = session().scalars(
        select(CatalogueItem).where(CatalogueItem.code.in_(list(codes)), CatalogueItem.ended_at.is_(None))
    )
    return {row.code: row for row in rows}


def publish(medicines: Iterable[Medicine]) -> int:
    """Bring the catalogue to these terms; a changed medicine gets a new version. Returns how many changed."""
    wanted = {each.code: each for each in medicines}
    held = current(wanted)
    changed = [each for each in wanted.values() if each.code not in held or _terms(held[each.code]) != each]
    for each in changed:
        _replace(held.get(each.code), each)
    return len(changed)


def _terms(row: CatalogueItem) -> Medicine:
    return Medicine(
        code=row.code, name=row.name, spec=row.spec, price_limit_fen=row.price_limit_fen,
        copay_basis_points=row.copay_basis_points, prescription=row.prescription, traced=row.traced,
    )  # fmt: skip


def _replace(old: CatalogueItem | None, new: Medicine) -> None:
    moment = now()
    if old is not None:
        old.ended_at = moment
        session().flush()
    add(
        CatalogueItem(
            code=new.code, version=1 if old is None else old.version + 1, name=new.name, spec=new.spec,
            price_limit_fen=new.price_limit_fen, copay_basis_points=new.copay_basis_points,
            prescription=new.prescription, traced=new.traced, since=moment,
        )
    )  # fmt: skip
