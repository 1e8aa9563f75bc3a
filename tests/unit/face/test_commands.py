"""`suxin face …` measures and acts from the command line, and says plainly what it will not do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
from click.testing import CliRunner

from app.cli import suxin
from identity.face.commands import face
from tests.unit.face.people import enrol_many
from tests.unit.face.portraits import pixels


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    """Three people with two portraits each, in LFW's format."""
    for name, shown in {"Ann_A": ("person_b_1", "person_b_2"), "Bob_B": ("impostor_1", "impostor_1"),
                        "Cy_C": ("impostor_2", "impostor_2")}.items():  # fmt: skip
        for number, portrait in enumerate(shown, 1):
            small = cv2.resize(pixels(portrait), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(tmp_path / f"{name}_{number:04d}.jpg"), small)
    lines = ["3"] + [f"{name}\t1\t2" for name in ("Ann_A", "Bob_B", "Cy_C")]
    lines += ["Ann_A\t1\tBob_B\t1", "Ann_A\t2\tCy_C\t1", "Bob_B\t2\tCy_C\t2"]
    (tmp_path / "pairs.txt").write_text("\n".join(lines), "utf-8")
    (tmp_path / "groups.csv").write_text("Ann_A,women\nBob_B,men\nCy_C,men\n", "utf-8")
    return tmp_path


def test_eval_tells_rates_per_group_and_draws_the_curve(lfw: Path) -> None:
    plot = lfw / "roc.svg"

    ran = CliRunner().invoke(face, ["eval", str(lfw), "--groups", str(lfw / "groups.csv"), "--plot", str(plot)])

    assert ran.exit_code == 0, ran.output
    assert "accuracy              100.00%" in ran.output
    assert "group women" in ran.output
    assert "TAR at FAR 0.001" in ran.output
    assert plot.read_text("utf-8").startswith("<svg")


def test_eval_says_when_groups_are_unmeasured(lfw: Path) -> None:
    assert "unmeasured" in CliRunner().invoke(face, ["eval", str(lfw)]).output


def test_calibration_refuses_a_rate_that_a_few_pictures_cannot_tell(lfw: Path) -> None:
    for number in (3, 4):
        for name in ("Ann_A", "Bob_B", "Cy_C"):
            (lfw / f"{name}_{number:04d}.jpg").write_bytes((lfw / f"{name}_0001.jpg").read_bytes())

    ran = CliRunner().invoke(face, ["calibrate", str(lfw), "--fmr", "1e-4"])

    assert ran.exit_code == 1
    assert "cannot be told" in ran.output


def test_trials_are_counted_and_bad_ones_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("species,outcome\nbona fide,live\nbona fide,none\nprint,attack\nmask,live\n", "utf-8")
    bad.write_text("mask,maybe\n", "utf-8")

    counted, refused = (CliRunner().invoke(face, ["pad-eval", str(path)]) for path in (good, bad))

    assert "the worst           100.00%" in counted.output
    assert "by mask" in counted.output
    assert (refused.exit_code, "trial 1" in refused.output) == (1, True)


@pytest.mark.parametrize("what", ["basis", "keys"])
def test_rotate_says_how_many_templates_changed(app, work, what: str) -> None:
    enrol_many(5)
    work.commit()

    ran = CliRunner().invoke(face, ["rotate", what, "--batch", "2"], obj=SimpleNamespace(app=lambda: app))

    assert ran.output.strip() == "5 templates, none left"


def test_a_search_that_nobody_approved_finds_nothing(app, work) -> None:
    ran = CliRunner().invoke(face, ["dedup", "dedup_unknown"], obj=SimpleNamespace(app=lambda: app))

    assert ran.output.strip() == "0 pairs found"


def test_the_commands_hang_below_suxin() -> None:
    ran = CliRunner().invoke(suxin, ["face", "--help"])

    for name in ("eval", "calibrate", "pad-eval", "rotate", "dedup"):
        assert name in ran.output


def test_the_demo_world_has_a_card_for_everybody(work) -> None:
    from demo import world
    from identity.cards import demo, service
    from identity.parties.models import Person
    from identity.parties.service import register_person

    for each in world.load().citizens:
        register_person(
            name=each.name, resident_id=each.resident_id, mobile=each.mobile, area=each.area, source="demo",
            method="demo", level=4, demo_key=each.key,
        )  # fmt: skip
    demo.seed()

    person = work.session.query(Person).filter_by(demo_key="lin").one()
    [card] = service.cards_of(person.id)
    assert service.number_tail(card) == demo.number_of("lin")[-4:]
    assert service.pin_fits(card.pin, demo.PIN)
