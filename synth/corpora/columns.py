"""What the columns of a table of one's own are: ours by name, the usual other names of the same things, and near misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from synth.errors import InputError, listed

COLUMNS = ("path", "speaker_id", "sex", "labels", "group_id", "split", "licence", "attribution")
# as published data sets call them: Common Voice, UrbanSound8K, ESC-50, FSD50K, VCTK, CREMA-D, the Hugging Face Hub
_USUAL = {
    ours: tuple(names.split())
    for ours, names in {
        "path": "filename file fname file_name filepath file_path audio_path audio_file audio_filename audio_filepath "
        "wav_path wav audio slice_file_name clip_path",
        "speaker_id": "speaker spk spk_id spkid speakerid client_id speaker_name actor actor_id actorid reader reader_id "
        "talker talker_id person_id participant_id",
        "sex": "gender speaker_gender speaker_sex",
        "labels": "label category categories class classes class_name classname tag tags",
        "group_id": "group groupid group_name",
        "split": "partition",
        "licence": "license licence_id license_id licence_url license_url licence_name license_name",
        "attribution": "credit credits",
    }.items()
}
_OURS = {usual: ours for ours, names in _USUAL.items() for usual in names}
NEAR = 0.85  # share of equal letters from which a name is nearly one of ours


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table: the name of each as it is used, which were taken for ours (``usual as ours``), and which
    were not taken although they are nearly ours or called like something that is there already.
    """

    names: tuple[str, ...]
    taken: tuple[str, ...]
    left: tuple[str, ...]


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").replace("/", " ").split())


def names_path(header: Sequence[str]) -> bool:
    """Tell whether a header has a column that names the recordings."""
    plain = {_plain(name) for name in header}
    return "path" in plain or bool(plain & set(_USUAL["path"]))


def read(header: Sequence[str], where: str) -> Columns:
    """Say what each column of a header is; ``where`` names the table in errors.

    Raises InputError for a name that is there twice, and for two columns of which each could be one of ours.
    """
    plain = [_plain(name) for name in header]
    names = [low if low in COLUMNS else name.strip() for low, name in zip(plain, header, strict=True)]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{where}, row 1: the column {listed(twice)} is there twice; each column needs one name")
    taken, left = [], []
    for ours in COLUMNS:
        usual = [k for k, low in enumerate(plain) if _OURS.get(low) == ours]
        if ours in names:
            left += [f"{names[k]} ({ours} is there)" for k in usual]
        elif len(usual) > 1:
            raise InputError(
                f"{where}, row 1: {listed(names[k] for k in usual)} could each be the column {ours}; call the one that "
                f"is meant '{ours}'"
            )
        elif usual:
            taken.append(f"{names[usual[0]]} as {ours}")
            names[usual[0]] = ours
    for k, name in enumerate(names):
        near = get_close_matches(plain[k], COLUMNS, n=1, cutoff=NEAR)
        if near and name not in COLUMNS and plain[k] not in _OURS:
            left.append(f"{name} (call it {near[0]} if it is meant as that)")
    return Columns(tuple(names), tuple(taken), tuple(left))
