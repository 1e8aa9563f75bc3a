"""`suxin face …`: measure the engine, put a calibration in force, rotate, search for doubles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from identity.face.evaluate import Progress
    from identity.face.rotate import Progress as Rotated

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)


@click.group("face")
def face() -> None:
    """Face recognition: accuracy, calibration, rotation, de-duplication."""


@face.command("eval")
@click.argument("folder", type=_FOLDER)
@click.option("--pairs", default="pairs.txt", help="File of pairs in the folder, in LFW's format (View 1 or 2).")
@click.option("--groups", type=_FILE, help="CSV of `person,group`: rates are told per group, too.")
@click.option("--plot", type=_NEW, help="Write the ROC picture (SVG) here.")
def evaluate(*, folder: Path, pairs: str, groups: Path | None, plot: Path | None) -> None:
    """Measure verification on labelled pairs: accuracy, EER, TAR at FAR, each with its interval."""
    from identity.face.evaluate import evaluate as measured
    from identity.face.plot import roc_svg

    with _bar("Embedding") as progress:
        found = measured(folder, pairs, groups=groups, progress=progress)
    click.echo(f"pairs                 {found.pairs}, {found.undetected} with an undetected face")
    click.echo(f"accuracy              {found.accuracy:.2%} at {found.threshold:.3f}")
    interval = found.ten_fold_interval
    click.echo(f"ten-fold accuracy     {found.ten_fold:.2%} ± {found.ten_fold_deviation:.2%}"
               f" (95 %: {interval.low:.2%} to {interval.high:.2%})")  # fmt: skip
    click.echo(f"equal error rate      {found.equal_error:.2%}")
    for far, rate in found.at_far.items():
        click.echo(f"TAR at FAR {far:<10} {rate.text()}")
    for name, (missed, let_in) in found.groups.items():
        click.echo(f"group {name:<15} FNMR {missed.text()}, FMR {let_in.text()}")
    if not found.groups:
        click.echo("groups                none labelled: differences between people are unmeasured")
    if plot is not None:
        plot.write_text(roc_svg({"verification": found.roc}, title="ROC"), "utf-8")
        click.echo(f"wrote {plot}")


@face.command("calibrate")
@click.argument("folder", type=_FOLDER)
@click.option("--fmr", default=1e-4, show_default=True, type=click.FloatRange(1e-8, 0.01), help="False match rate.")
@click.option("--assessment", help="Number of the impact assessment; with it the calibration is put in force.")
@click.option("--plot", type=_NEW, help="Write the ROC picture (SVG) here.")
@click.pass_obj
def calibrate(city: Any, *, folder: Path, fmr: float, assessment: str | None, plot: Path | None) -> None:
    """Find this city's thresholds on its own labelled pictures; with --assessment, put them in force."""
    from identity.face import calibrate as finding
    from identity.face import calibration, figures
    from identity.face.plot import roc_svg

    with _bar("Embedding") as progress:
        given = finding.read_set(folder, progress=progress)
    try:
        found = finding.calibrated(given, fmr=fmr)
    except finding.TooFewStrangers as few:
        raise click.ClickException(f"{few} cannot be told. Add people, or ask for a larger --fmr.") from None
    for name, value in asdict(found.bars).items():
        click.echo(f"{name:<12} {value:.4f}")
    for name, value in found.measured.items():
        click.echo(f"{name:<12} {value['value']:.4%} ({value['low']:.4%} to {value['high']:.4%}, n={value['trials']})")
    if plot is not None:
        one, two = finding.single(given), finding.enrolled_by_two(given)
        curves = {"one photograph": figures.roc(one.genuine, one.impostors),
                  "two enrolled": figures.roc(two.genuine, two.impostors)}  # fmt: skip
        plot.write_text(roc_svg(curves, title="ROC, all against all"), "utf-8")
        click.echo(f"wrote {plot}")
    if assessment is None:
        click.echo("Not put in force: name the impact assessment by --assessment.")
        return
    with _work(city):
        record = calibration.record(
            found.bars, set_hash=given.digest, photographs=len(given.vectors), assessment=assessment, target_fmr=fmr,
            measured=found.measured,
        )  # fmt: skip
        click.echo(f"in force: {record.id}")


@face.command("pad-eval")
@click.argument("trials", type=_FILE)
def pad_eval(*, trials: Path) -> None:
    """Count recorded liveness trials by ISO/IEC 30107-3: lines `species,outcome`, outcome live, attack or none."""
    from identity.face.pad import BadTrials, evaluated, read_trials

    try:
        found = evaluated(read_trials(trials))
    except BadTrials as bad:
        raise click.ClickException(f"{bad}.") from None
    for name, rate in found.apcer.items():
        click.echo(f"APCER {name:<20} {rate.text()}, no response {found.apnrr[name].value:.2%}")
    species, worst = found.worst
    click.echo(f"APCER, the worst           {worst.text()} by {species}")
    click.echo(f"BPCER                      {found.bpcer.text()}, no response {found.bpnrr.value:.2%}")


@face.command("rotate")
@click.argument("what", type=click.Choice(["basis", "keys", "models"]))
@click.option("--batch", default=200, show_default=True, type=click.IntRange(1, 5000), help="Templates a transaction.")
@click.pass_obj
def rotate(city: Any, *, what: str, batch: int) -> None:
    """Change all templates' basis or keys while the city serves, or erase those of former models; can be resumed."""
    from identity.face import rotate as rotation

    steps = {"basis": rotation.bases, "keys": rotation.keys, "models": rotation.retire_models}
    with _inside(city), _bar("Rotating") as progress:
        last: Rotated | None = None
        for last in steps[what](batch=batch):
            progress(last.done, last.done + last.left)
    click.echo(f"{last.done if last else 0} templates, none left")


@face.command("dedup")
@click.argument("job_id")
@click.pass_obj
def dedup(city: Any, *, job_id: str) -> None:
    """Run an approved de-duplication search here instead of in the worker; its findings stay in the API."""
    from identity.face.dedup.search import run

    with _inside(city), _bar("Comparing") as progress:
        pairs = run(job_id, progress=lambda done: progress(done, 0))
    click.echo(f"{pairs} pairs found")


@contextmanager
def _inside(city: Any) -> Iterator[None]:
    from app.principal import SYSTEM, acting_as

    with city.app().app_context(), acting_as(SYSTEM):
        yield


@contextmanager
def _work(city: Any) -> Iterator[None]:
    from app.db import unit_of_work

    with _inside(city), unit_of_work():
        yield


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    """Show a progress bar on a terminal's standard error; nothing where there is none."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield show
