"""Builds real third-party distributions, good and broken, as their teams would ship them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=80"]
build-backend = "setuptools.build_meta"
[project]
name = "{distribution}"
version = "0.3.1"
[project.entry-points."suxin.plugins"]
{name} = "{package}:plugin"
[tool.setuptools.packages.find]
include = ["{package}*"]
[tool.setuptools.package-data]
"*" = ["*.yaml"]
"""

_PACKAGE = """\
from pathlib import Path
from types import SimpleNamespace
from app.api import Job, Plugin, Schedule, Text, public
from flask_smorest import Blueprint

blueprint = Blueprint("{name}", __name__)


@blueprint.get("/hello")
@public(because="a greeting")
def hello():
    return {{"hello": "{name}"}}

{extra}

brings = {{"api": (1, 0), "blueprints": (blueprint,)}} | {fields}
plugin = Plugin(name="{name}", title=Text("服务", "{name}"), version="0.3.1", **brings)
"""

_OUTSIDE = """
@blueprint.record
def outside(state):
    state.app.add_url_rule("/api/matters/mine", "{name}.mine", hello)
"""

_HALF = """
@blueprint.record
def stumble(state):
    raise RuntimeError("the second half never came")
"""

_HOOK = """
@blueprint.before_app_request
def everywhere():
    return "answered by a plugin"
"""

_FAILING_MIGRATION = """
from alembic import op
revision, down_revision = "{name}_0001", None


def upgrade():
    op.execute("CREATE TABLE {name}.fine (id int)")
    op.execute("CREATE TABLE nowhere.at_all (id int)")


def downgrade():
    pass
"""

GOOD = ("alpha", "zeta")
# What the team got wrong -> the stage at which it must be refused.
BROKEN = {
    "importerror": "import",
    "syntaxerror": "import",
    "sysexit": "import",
    "coretooold": "core-too-old",
    "coretoonew": "core-too-new",
    "stolen": "name",
    "wrongobject": "object",
    "halfroutes": "routes",
    "appwidehook": "hooks",
    "outsideprefix": "prefix",
    "badtasks": "tasks",
    "failingmigration": "migration",
    "baddeclaration": "declarations",
    "squatter": "name",
}


# Whose name a thief claims: another distribution's, and one of the core's own plugins.
_CLAIMS = {"stolen": "alpha", "squatter": "health"}
_BAD_CERTIFICATES = """\
fine: {title: {zh: 证, en: Paper}, issuer: {zh: 局, en: Office}, validity_days: 1, claims: {type: object}}
endless: {title: {zh: 证, en: Paper}, issuer: {zh: 局, en: Office}, validity_days: never, claims: {type: object}}
"""


def sources(name: str) -> tuple[str, Mapping[str, str]]:
    """Return the plugin name and the files of one distribution `acme-<name>`."""
    package = f"acme_{name}"
    plugin = _CLAIMS.get(name, name)
    # The thief's distribution sorts after the owner's, as it must to be the second.
    files = {"__init__.py": _module(name, plugin)}
    if name == "failingmigration":
        files["migrations/__init__.py"] = ""
        files[f"migrations/{name}_0001_broken.py"] = _FAILING_MIGRATION.format(name=name)
    if name == "baddeclaration":
        files["declarations/certificates.yaml"] = _BAD_CERTIFICATES
    pyproject = _PYPROJECT.format(distribution=f"acme-{name}", name=plugin, package=package)
    return plugin, {"pyproject.toml": pyproject, **{f"{package}/{path}": text for path, text in files.items()}}


def _module(name: str, plugin: str) -> str:
    whole = {
        "importerror": "import a_module_nobody_has\n",
        "syntaxerror": "plugin = = Plugin()\n",
        "sysexit": "import sys\nsys.exit('no licence')\n",
        "wrongobject": "plugin = {'name': 'wrongobject'}\n",
    }
    if name in whole:
        return whole[name]
    fields = {
        "coretooold": "api=(1, 99)",
        "coretoonew": "api=(0, 9)",
        "badtasks": "tasks=(Job(name='core.shutdown', run=print),)",
        "baddeclaration": "declarations=Path(__file__).parent / 'declarations'",
        "failingmigration": "migrations=Path(__file__).parent / 'migrations'",
    }
    extra = {"halfroutes": _HALF, "appwidehook": _HOOK, "outsideprefix": _OUTSIDE}
    given = f"dict({fields.get(name, '')})"
    return _PACKAGE.format(name=plugin, extra=extra.get(name, "").format(name=plugin), fields=given)


def write(name: str, into: Path) -> Path:
    """Write one distribution's source tree and return its folder."""
    folder = into / f"acme-{name}"
    for path, text in sources(name)[1].items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return folder


def install(folders: list[Path], target: Path) -> None:
    """Install source trees into a folder of their own, offline, with this interpreter's setuptools."""
    subprocess.run(
        [
            sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation",
            "--python", sys.executable, "--target", str(target), *map(str, folders),
        ],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
