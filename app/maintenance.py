"""Commands for operators and for `make check`: schema, seed, documents, keys."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson
from flask import Flask

from app.config import Settings


def _settings(app: Flask) -> Settings:
    settings: Settings = app.config["SETTINGS"]
    return settings


@click.command()
@click.pass_obj
def migrate(city: Any) -> None:
    """Bring every schema to its newest version, and the catalogue to what plugins declare."""
    import os

    from app.owners import bring_up_to_date, owners
    from app.registry.declarations import load_matters
    from app.runtime.attach import environment

    settings = Settings.from_env(environment(os.environ))
    for failure in bring_up_to_date(settings.database_url, owners()):
        click.echo(f"refused: {failure}", err=True)
    click.echo(f"{load_matters(city.app())} matters declared by plugins are in the catalogue")


@click.command()
@click.pass_obj
def seed(city: Any) -> None:
    """Fill the demo world; only with SUXIN_DEMO=1."""
    from app.seed import seed as fill

    app = city.app()
    if not _settings(app).demo:
        raise click.ClickException("The demo world is seeded only where SUXIN_DEMO=1.")
    fill(app)


@click.group()
def migrations() -> None:
    """Look at schema versions."""


@migrations.command("check")
def check_drift() -> None:
    """Compare all models with their migrated schemas on a scratch server."""
    import tempfile

    from app.migrations.run import drift, upgrade
    from app.owners import owners
    from app.runtime.embedded import embedded_postgres

    with tempfile.TemporaryDirectory() as folder, embedded_postgres(Path(folder), durable=False) as url:
        held = owners()
        failures = [str(failure) for failure in upgrade(url, held)]
        differences = [f"{owner.name}: {each}" for owner in held for each in drift(url, owner)]
    for line in failures + differences:
        click.echo(line, err=True)
    if failures or differences:
        sys.exit(1)
    click.echo(f"{len(held)} schemas agree with their models")


@click.group()
def openapi() -> None:
    """The city's OpenAPI document."""


DOCUMENT = Path(__file__).parent.parent / "docs" / "openapi.json"


@openapi.command("check")
def check_openapi() -> None:
    """Compare the served document with docs/openapi.json."""
    if DOCUMENT.read_bytes() != _document():
        click.echo("docs/openapi.json differs: run `suxin openapi write` and review the difference", err=True)
        sys.exit(1)
    click.echo("docs/openapi.json is true")


@openapi.command("write")
def write_openapi() -> None:
    """Write docs/openapi.json."""
    DOCUMENT.write_bytes(_document())


def _document() -> bytes:
    spec = scratch_app().test_client().get("/openapi.json").get_json()
    return orjson.dumps(spec, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def scratch_app() -> Flask:
    """Return the city as it would start, without ever connecting to a database."""
    from app.crypto import KeyRing
    from app.factory import create_app

    settings = Settings(database_url="postgresql:///nowhere", demo=True)
    return create_app(settings, ring=KeyRing.fresh())


@click.group()
def docs() -> None:
    """The documentation's coverage."""


@docs.command("check")
def check_docs() -> None:
    """Fail for a setting, scope, event or command that no guide names."""
    from app.coverage import undocumented

    missing = undocumented(scratch_app())
    for line in missing:
        click.echo(line, err=True)
    if missing:
        sys.exit(1)
    click.echo("every setting, scope, job and command is documented")


@click.group()
def keys() -> None:
    """Data keys: rotation."""


@keys.command()
@click.argument("purpose")
@click.pass_obj
def rotate(city: Any, purpose: str) -> None:
    """Make a new data key for a purpose; older ones go on opening."""
    from app.crypto import vault

    with city.app().app_context():
        click.echo(f"data key {vault().rotate(purpose)} seals {purpose} from now on")


@keys.command()
@click.pass_obj
def rewrap(city: Any) -> None:
    """Wrap all keys under the newest key-encryption key of the key file; repeat it where it was interrupted."""
    from app.rewrap import rewrap_all

    with city.app().app_context():
        total = rewrap_all(lambda kind, done: click.echo(f"{kind}: {done} rewrapped"))
    click.echo(f"{total} keys rewrapped")
