"""Pictures: sharp enough for slides, round ticks, and one meaning for a colour in all of them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib import image

from synth.publishing import pictures

CELLS = {"none": 4, "F": 3, "M": 3, "FF": 2, "FM": 2, "MM": 2}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Draw each kind of picture of 0 to 2 speakers at a time; return the texts of the SVG files by name."""
    where = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    kinds = ("0 speakers", "1 speaker", "2 speakers")
    clips = {
        name: ("train-00000000", rng.integers(-9000, 9000, 80000).astype(np.int16)) for name in ("none", "F", "FM")
    }
    pictures.classes(where / "classes.png", {"train": CELLS, "val": CELLS, "test": CELLS})
    pictures.levels(where / "levels.png", *({name: rng.normal(-27, 3, 90) for name in kinds} for _ in range(2)))
    pictures.speakers(where / "speakers.png", {"train": {"F": np.array([3, 3, 2]), "M": np.array([3, 2])}})
    pictures.examples(where / "examples.png", clips, 16000)
    pictures.classes(where / "labels.png", {"train": {"Dog": 4, "Rain": 2}}, "label")
    return where


def svg(drawn, name):
    return (drawn / f"{name}.svg").read_text(encoding="utf-8").lower()


def test_a_picture_is_wide_and_has_a_vector_file(drawn):
    for name in ("classes", "levels", "speakers", "examples", "labels"):
        assert "<svg" in svg(drawn, name)
        assert (
            image.imread(drawn / f"{name}.png").shape[1] >= 1.9 * 340
        )  # a panel of 3.1 inches, twice a screen's 110 dpi
    assert image.imread(drawn / "classes.png").shape[1] > 2000


def test_a_number_of_speakers_has_one_colour_and_a_sex_another(drawn):
    one, two = (colour.lower() for colour in pictures.OF_NUMBERS[:2])
    for name in ("classes", "levels", "examples"):
        for colour in (one, two):
            assert re.search(rf"(?:fill|stroke): {colour}", svg(drawn, name)), (name, colour)
    sexes = {colour.lower() for colour in pictures.OF_SEXES.values()}
    assert not sexes & {colour.lower() for colour in (*pictures.OF_NUMBERS, pictures.NOBODY, pictures.PLAIN)}
    for colour in sexes:
        assert colour in svg(drawn, "speakers")
        assert not any(colour in svg(drawn, name) for name in ("classes", "levels", "labels"))
    for colour in (one, two):
        assert colour not in svg(drawn, "speakers")
        assert colour not in svg(drawn, "labels")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("none", 0),
        ("0", 0),
        ("0 speakers", 0),
        ("F", 1),
        ("1", 1),
        ("1 speaker", 1),
        ("FM", 2),
        ("2 speakers", 2),
        ("FFM", 3),
        ("3", 3),
    ],
)
def test_every_name_of_a_class_gives_the_colour_of_its_number(name, number):
    assert pictures._colour(name) == (pictures.OF_NUMBERS[number - 1] if number else pictures.NOBODY)


def test_the_bytes_depend_on_what_is_drawn_alone(drawn, tmp_path):
    for folder in ("a", "b"):
        pictures.classes(tmp_path / folder / "classes.png", {"train": CELLS})
    for ending in ("png", "svg"):
        assert len({(tmp_path / folder / f"classes.{ending}").read_bytes() for folder in ("a", "b")}) == 1


@pytest.mark.parametrize("highest", [3.8, 1.3, 10.0, 0.7, 137.0])
def test_ticks_are_round(highest):
    ticks = pictures._ticks(4, whole=False).tick_values(0, highest)
    step = ticks[1] - ticks[0]
    assert any(np.isclose(step, one * 10.0**power) for one in (1, 2, 5) for power in range(-3, 4))
