"""The engine recognises, refuses what it cannot judge, and its control (BGR) is told apart."""

from __future__ import annotations

import os
import threading

import cv2
import numpy as np
import pytest

from identity.face import engine as engines
from identity.face import weights
from identity.face.engine import Engine, engine, single
from identity.face.picture import MAX_BYTES, Unreadable, decode
from identity.face.quality import ENROL, PROBE
from identity.face.sight import Unfit
from identity.face.vector import SHORTLIST
from tests.unit.face.portraits import derived, jpeg, pixels, portrait, with_exif_orientation


class BgrEngine(Engine):
    """The usual mistake: the network fed with BGR."""

    def _blob(self, chip):  # type: ignore[no-untyped-def]
        return np.ascontiguousarray(chip.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def reference_embedding(name: str):  # type: ignore[no-untyped-def]
    """OpenCV's own blob with channels swapped to RGB: an independent spelling of the input."""
    sight = engine()
    picture = pixels(name)
    chip = sight.align(picture, single(sight.detect(picture)))
    net = cv2.dnn.readNetFromONNX(np.frombuffer(weights.read(weights.EMBEDDER), np.uint8))
    net.setInput(cv2.dnn.blobFromImage(chip, 1.0, (112, 112), (0, 0, 0), swapRB=True), "data")
    vector = net.forward().reshape(-1)
    return chip, vector / np.linalg.norm(vector)


def test_two_portraits_of_one_person_agree_and_others_do_not() -> None:
    first, second = (engine().read(portrait(name), gate=ENROL) for name in ("person_b_1", "person_b_2"))
    strangers = [engine().read(portrait(name), gate=PROBE) for name in ("impostor_1", "impostor_2", "person_a_2")]

    assert float(first @ second) > 0.7
    assert max(float(first @ stranger) for stranger in strangers) < SHORTLIST - 0.2


def test_the_network_is_fed_rgb() -> None:
    chip, expected = reference_embedding("person_b_1")

    assert float(engine().embed(chip) @ expected) > 0.9999


def test_control_the_rgb_test_catches_an_engine_that_feeds_bgr() -> None:
    chip, expected = reference_embedding("person_b_1")

    assert float(BgrEngine().embed(chip) @ expected) < 0.99


def test_alignment_equals_opencvs_own(tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = tmp_path / "sface.onnx"
    model.write_bytes(weights.read(weights.EMBEDDER))
    theirs = cv2.FaceRecognizerSF.create(str(model), "")
    picture = pixels("person_b_2")
    face = single(engine().detect(picture))
    row = np.concatenate([face.box, face.landmarks.reshape(-1), [face.certainty]]).astype(np.float32)

    difference = np.abs(engine().align(picture, face).astype(int) - theirs.alignCrop(picture, row).astype(int))

    assert difference.mean() < 1.5


def test_altered_weights_are_refused() -> None:
    content = bytearray(weights.read(weights.EMBEDDER))
    content[-1] ^= 1

    with pytest.raises(weights.WeightsUnusable):
        weights.checked(weights.EMBEDDER, bytes(content))


def test_missing_weights_are_refused_without_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "CARRIER", "no-such-package")

    with pytest.raises(weights.WeightsUnusable):
        Engine()


def test_the_small_portrait_is_below_the_gate() -> None:
    with pytest.raises(Unfit) as refusal:
        engine().read(portrait("person_a_1"), gate=PROBE)

    assert refusal.value.codes == ("too_far_away",)


def test_enrolment_is_stricter_than_a_probe() -> None:
    picture = cv2.resize(pixels("person_b_1"), None, fx=0.55, fy=0.55, interpolation=cv2.INTER_AREA)

    engine().read(jpeg(picture), gate=PROBE)
    with pytest.raises(Unfit) as refusal:
        engine().read(jpeg(picture), gate=ENROL)
    assert "too_far_away" in refusal.value.codes


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_photograph_is_righted_by_its_exif(orientation: int) -> None:
    turn = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_CLOCKWISE}[orientation]
    stored = with_exif_orientation(jpeg(cv2.rotate(pixels("person_b_1"), turn)), orientation)

    seen = engine().read(stored, gate=PROBE)

    assert float(seen @ engine().read(portrait("person_b_1"), gate=PROBE)) > 0.95


def test_no_face_and_two_faces_are_named() -> None:
    wall = np.random.default_rng(1).integers(90, 140, (400, 400, 3), dtype=np.uint8)
    pair = np.hstack([cv2.resize(pixels(name), (700, 900)) for name in ("person_b_1", "impostor_2")])

    for picture, code in ((wall, "no_face"), (pair, "several_faces")):
        with pytest.raises(Unfit) as refusal:
            engine().read(jpeg(picture), gate=PROBE)
        assert refusal.value.codes == (code,)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: cv2.GaussianBlur(p, (0, 0), 14), "blurred"),
        (lambda p: (p * 0.15).astype(np.uint8), "too_dark"),
        (lambda p: np.clip(p.astype(int) + 150, 0, 255).astype(np.uint8), "too_bright"),
    ],
)
def test_poor_light_and_blur_are_named(change, code: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unfit) as refusal:
        engine().read(jpeg(change(pixels("person_b_1"))), gate=PROBE)

    assert code in refusal.value.codes


def test_grey_alpha_and_deep_pictures_become_plain_colour() -> None:
    plain = pixels("person_b_1")
    grey = cv2.cvtColor(plain, cv2.COLOR_BGR2GRAY)
    alpha = cv2.cvtColor(plain, cv2.COLOR_BGR2BGRA)

    for content in (jpeg(grey), jpeg(alpha, ".png"), jpeg(plain.astype(np.uint16) * 257, ".png")):
        picture = decode(content)
        assert picture.dtype == np.uint8
        assert picture.shape == plain.shape


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\0\x4e\x20\0\0\x4e\x20" + b"\x08\x02" + b"\0" * 40 + b"IEND\xaeB`\x82",
         "too_many_pixels"),
        (b"\xff\xd8\xff" + b"\0" * MAX_BYTES, "too_many_bytes"),
        (b"GIF89a" + b"\0" * 64, "not_jpeg_or_png"),
        (b"", "not_jpeg_or_png"),
        (b"\xff\xd8\xff\xe0\0\x02\xff\xd9", "damaged"),
        (b"\xff\xd8\xff\xe0\0\0" * 9 + b"\xff\xd9", "damaged"),
    ],
    ids=["bomb", "huge", "gif", "empty", "no frame header", "zero length segment"],
)  # fmt: skip
def test_what_is_no_bounded_photograph_is_refused_unseen(content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        decode(content)

    assert refusal.value.code == code


def test_a_truncated_photograph_is_refused() -> None:
    content = portrait("person_b_1")

    with pytest.raises(Unreadable):
        decode(content[: len(content) // 2])


def test_a_jpeg_whose_header_lies_about_its_size_is_refused() -> None:
    content = bytearray(portrait("person_b_1"))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = b"\x4e\x20\x4e\x20"

    with pytest.raises(Unreadable):
        decode(bytes(content))


def test_every_thread_has_its_own_engine() -> None:
    seen: list[Engine] = []
    threads = [threading.Thread(target=lambda: seen.append(engine())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(each) for each in [*seen, engine()]}) == 3
    assert engine() is engine()


def test_a_fork_loads_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = engine()
    parent = os.getpid()
    monkeypatch.setattr(engines.os, "getpid", lambda: parent + 1)

    after = engine()

    assert after is not before


def test_frames_derived_from_one_portrait_agree() -> None:
    first, second = (engine().read(derived("person_b_2", shade), gate=PROBE) for shade in (1.0, 0.85))

    assert float(first @ second) > 0.9
