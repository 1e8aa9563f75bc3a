"""`suxin plugin new` gives a plugin that passes `check` and its own tests, and that can be switched off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.registry import scaffold
from tests.contract.plugins.distributions import install
from tests.contract.plugins.installation import Installation, installation

_SCHEDULE = """JOBS = (Job(name="housing.tell", run=service.tell),)
SCHEDULE = (Schedule(job="housing.tell", every_seconds=60),)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution that the command wrote."""
    return scaffold.write("housing", tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="module")
def housing(base_server: str, written: Path) -> Iterator[Installation]:
    """An installation with the new plugin, which has gained a schedule."""
    package = written / "suxin_housing"
    for file, old, new in (
        ("tasks.py", 'JOBS = (Job(name="housing.tell", run=service.tell),)\n', _SCHEDULE),
        ("tasks.py", "import Job\n", "import Job, Schedule\n"),
        ("__init__.py", "tasks=tasks.JOBS,", "tasks=tasks.JOBS,\n    schedule=tasks.SCHEDULE,"),
    ):
        text = (package / file).read_text("utf-8")
        assert old in text
        (package / file).write_text(text.replace(old, new), "utf-8")
    target = written.parent / "installed"
    install([written], target)
    with installation(base_server, written.parent, [target]) as made:
        yield made


def test_a_new_plugin_passes_check_at_once(housing: Installation) -> None:
    done = housing.suxin("plugin", "check", "housing")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed         migration drift" in done.stdout
    assert "failed" not in done.stdout
    assert "skipped" not in done.stdout


def test_a_new_plugins_own_tests_are_green(housing: Installation, written: Path) -> None:
    done = housing.run(
        "pytest", "-q", "-p", "no:cacheprovider", str(written), SUXIN_TEST_DATABASE_URL=housing.database_url
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_a_disabled_plugin_has_no_routes_no_schedule_no_jobs_and_keeps_its_data(housing: Installation) -> None:
    with psycopg.connect(housing.database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO housing.note VALUES ('note_1', 'sub_1', 'text', now(), null)")

    on = housing.city("/api/housing/notes")
    off = housing.city("/api/housing/notes", "/docs/housing/openapi.json", SUXIN_DISABLED_PLUGINS="housing")

    assert (on["answers"]["/api/housing/notes"], "housing.tell" in on["schedule"]) == (401, True)
    assert set(off["answers"].values()) == {404}
    assert not [name for name in (*off["schedule"], *off["jobs"]) if name.startswith("housing.")]
    assert off["states"]["housing"] == "disabled"
    with psycopg.connect(housing.database_url) as connection:
        assert connection.execute("SELECT text FROM housing.note WHERE id = 'note_1'").fetchall() == [("text",)]


@pytest.mark.parametrize("name", ["api", "identity", "Housing", "x", "../up", "a-b"])
def test_a_new_plugin_of_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(scaffold.CannotWrite):
        scaffold.write(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_new_plugin_is_never_written_over_another(tmp_path: Path) -> None:
    scaffold.write("housing", tmp_path)

    with pytest.raises(scaffold.CannotWrite):
        scaffold.write("housing", tmp_path)
