"""The same flows with a crowd of accounts in the tables: 1.6 million in `make proof`, fewer by default."""

from __future__ import annotations

import time

import sqlalchemy as sa

from benchmarks import measure as measuring
from benchmarks.identity import flows, ours
from benchmarks.identity.flows import Party
from benchmarks.measure import Variant
from benchmarks.report import Finding, Part
from benchmarks.world import World, prepared

DEFAULT, WHOLE_CITY = 200_000, 1_600_000
MEASURED = ("code exchange, private_key_jwt and DPoP", "refresh, rotated", "userinfo, DPoP", "introspection")


def measure(whole: Part, world: World, few: Party) -> None:
    """Measure flows by turns in a nearly empty city and in a full one; the full one may not cost 20 % more."""
    size = WHOLE_CITY if measuring.ROUNDS > 4 else DEFAULT
    with prepared() as full:
        started = time.monotonic()
        fill(full, size)
        whole.notes.append(
            f"{size:,} persons, accounts, passwords and consents by COPY in {time.monotonic() - started:.0f} s"
        )
        with ours.served(full) as many:
            for name in MEASURED:
                _compare(whole, world, name, few, many)


def _compare(whole: Part, world: World, name: str, few: Party, many: Party) -> None:
    variants = []
    for label, party in (("few accounts", few), ("many accounts", many)):
        flow = flows.FLOWS[name](party)
        variants.append(Variant(f"{name}: {label}", party.server, flow.request, flow.check, party.store))
    rows = measuring.rounds(variants, postmaster=world.postmaster)
    found = measuring.medians(rows)
    whole.rows += measuring.raw(rows)
    whole.figures |= found
    cost = found[variants[1].name]["total_us"] / found[variants[0].name]["total_us"]
    whole.findings.append(Finding(f"{name}: CPU among many accounts of that among few", cost, 1.25, at_most=True))


def fill(world: World, size: int) -> None:
    """Copy a crowd into the tables that log-ins and grants read."""
    engine = sa.create_engine(sa.make_url(world.url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(sa.text(
            "insert into identity.client (id, title_zh, title_en, profile, auth_method, grant_types, redirect_uris,"
            " post_logout_redirect_uris, id_token_alg, access, state, created_at) values ('bench-crowd', '众', 'Crowd',"
            " 'baseline', 'none', '[]', '[]', '[]', 'ES256', '{}', 'active', now())"
        ))  # fmt: skip
        raw = connection.connection.cursor()
        for table, columns, line in _TABLES:
            with raw.copy(f"copy identity.{table} ({columns}) from stdin") as copy:
                for start in range(0, size, 5_000):
                    copy.write("".join(line(number) for number in range(start, min(start + 5_000, size))))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze"))
    engine.dispose()


_AT = "2026-01-01 00:00:00+00"
_SEALED = "\\\\x" + "00" * 40


def _person(n: int) -> str:
    number = f"\\\\x{n:064x}"
    columns = (
        f"person_crowd{n}",
        number,
        _SEALED,
        _SEALED,
        number,
        _SEALED,
        f"{n % 10000:04}",
        "321302",
        "321302",
        "3",
    )
    return "\t".join((*columns, "active", _AT)) + "\n"


def _account(n: int) -> str:
    return f"account_crowd{n}\tcrowd-{n}\tperson_crowd{n}\tactive\t{_AT}\n"


def _authenticator(n: int) -> str:
    return f"authn_crowd{n}\taccount_crowd{n}\tpassword\t$argon2id$v=19$m=19456,t=2,p=1$none$none\t{_AT}\n"


def _grant(n: int) -> str:
    ids = (f"grant_crowd{n}", f"account_crowd{n}", f"person_crowd{n}", "bench-crowd", f"session_crowd{n}")
    return "\t".join((*ids, '{"suxin": ["openid"]}', "[]", "3", "1", "0", _AT, _AT)) + "\n"


_TABLES = (
    (
        "person",
        "id, resident_id_index, resident_id_sealed, name_sealed, mobile_index, mobile_sealed, mobile_tail, region,"
        " area, proofing_level, state, created_at",
        _person,
    ),
    ("account", "id, login_name, person_id, state, created_at", _account),
    ("authenticator", "id, account_id, kind, secret, changed_at", _authenticator),
    (
        "authorization_grant",
        "id, account_id, person_id, client_id, session_id, access, authorization_details, proofing_level,"
        " authentication_level, refresh_generation, authenticated_at, created_at",
        _grant,
    ),
)
