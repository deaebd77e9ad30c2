"""The recipe of found audio with its judge: adopt, index, clean, manifest, audit; wrong labels do not reach the data set.

The judge is a small CLAP that knows ten made sounds, three of which stand in for the recipe's labels.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile as sf

from tests.cleaning import judges
from tests.end_to_end.commands import SYNTH, files, synth
from tests.end_to_end.test_accordion import CLIP_S, HEADER, NAMES, RECIPE, START_S, WANTED, until

PROMPTS = {"Accordion": "an acoustic guitar", WANTED[1]: "an emergency siren", WANTED[2]: "a church bell ringing"}
SOUNDS = ("guitar", "siren", "bell")
TAKES, WRONG = 32, 3  # clips a label; the first of each sound like the next label


def name(label: int, take: int) -> str:
    return f"{'-_a'[label]}{label}{take:02d}copied_"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A cache with the lists, copies of all their segments, and the recipe with a judge that is small."""
    judges.needs_clap()
    from synth.cleaning.clap import sounds

    home = tmp_path_factory.mktemp("cleaned")
    lists = home / "cache" / "audioset"
    lists.mkdir(parents=True)
    (home / "copies").mkdir()
    mids = list(NAMES)[: len(WANTED)]
    rows = []
    for label, mid in enumerate(mids):
        for take in range(TAKES):
            kind = SOUNDS[(label + 1) % len(SOUNDS)] if take < WRONG else SOUNDS[label]
            heard = sounds.sound(kind, 100 * label + take, CLIP_S)
            sf.write(home / "copies" / f"{name(label, take)}_{START_S}_{START_S + CLIP_S}.flac", heard, 48_000)
            rows.append(f'{name(label, take)}, {START_S}.000, {START_S + CLIP_S}.000, "{mid}"\n')
    for file, some in (("balanced_train_segments.csv", rows[::2]), ("eval_segments.csv", rows[1::2])):
        (lists / file).write_text(HEADER.format(n=len(some), p=len(some)) + "".join(some))
    classes = "".join(f'{k},{mid},"{text}"\n' for k, (mid, text) in enumerate(NAMES.items()))
    (lists / "class_labels_indices.csv").write_text("index,mid,display_name\n" + classes)
    text = RECIPE.read_text(encoding="utf-8")
    text = text.replace('"630k-audioset-best"', f'"{judges.TINY}"\nprompts = "../prompts.csv"')
    text = text.replace('out = "accordion-audio"', 'out = "accordion-audio"\nadopt = ["../copies"]')
    (home / "prompts.csv").write_text("label,prompt\n" + "".join(f'"{one}",{says}\n' for one, says in PROMPTS.items()))
    for folder in ("here", "other", "later"):
        (home / folder).mkdir()
        judge = "../judge" if folder == "later" else str(judges.TINY)
        (home / folder / "accordion.toml").write_text(text.replace(str(judges.TINY), judge), encoding="utf-8")
    return home


def environment(place: Path) -> dict[str, str]:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    return {"SYNTH_CACHE_DIR": str(place / "cache"), "OMP_NUM_THREADS": "1", **nowhere}


def test_wrong_labels_do_not_reach_the_data_set(place):
    done = synth("run", "accordion.toml", cwd=place / "other", **environment(place))
    assert "$ synth clean --checkpoint=" in done.says
    verdicts = pq.read_table(place / "other" / "accordion-verdicts.parquet").to_pylist()
    assert len(verdicts) == TAKES * len(WANTED)
    wrong = {name(label, take) for label in range(len(WANTED)) for take in range(WRONG)}
    rejected = {row["source_id"] for row in verdicts if row["verdict"] == "wrong"}
    assert len(rejected) >= 0.6 * len(wrong)
    assert all(any(one in source for one in wrong) for source in rejected)
    used = {
        row["parts"][0]["source_id"]
        for row in pq.read_table(place / "other" / "accordion" / "manifest.parquet").to_pylist()
    }
    assert not used & rejected
    kept = {row["source_id"] for row in verdicts if row["verdict"] == "keep"}
    assert used == kept
    synth("verify", "accordion", "--all", cwd=place / "other", **environment(place))


def test_killed_at_any_station_the_next_run_finishes(place):
    here, env = place / "here", environment(place)
    for made in (
        "accordion-audio/ledger.parquet",
        "accordion-sources.parquet",
        "accordion-verdicts.parquet",
        "accordion/plan.parquet",
    ):
        process = subprocess.Popen(
            [*SYNTH, "run", "accordion.toml", "--quiet"],
            cwd=here,
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(here / made, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    synth("run", "accordion.toml", cwd=here, **env)
    if not (place / "other" / "accordion").exists():
        synth("run", "accordion.toml", cwd=place / "other", **env)
    assert files(here / "accordion") == files(place / "other" / "accordion")


def test_a_judge_that_arrives_later_judges_and_its_data_set_wants_a_free_folder(place):
    later, env = place / "later", environment(place)
    synth("run", "accordion.toml", cwd=later, **env)
    unjudged = files(later / "accordion")
    shutil.copytree(judges.TINY, place / "judge")
    done = synth("run", "accordion.toml", code=3, cwd=later, **env)
    verdicts = pq.read_table(later / "accordion-verdicts.parquet").to_pylist()
    assert {row["verdict"] for row in verdicts} >= {"keep", "wrong"}
    assert "accordion holds a data set of another recipe" in done.says
    assert "or remove that folder. Labels with new verdicts make another data set, too" in done.says
    assert files(later / "accordion") == unjudged
    shutil.rmtree(later / "accordion")
    synth("run", "accordion.toml", cwd=later, **env)
    if not (place / "other" / "accordion").exists():
        synth("run", "accordion.toml", cwd=place / "other", **env)
    assert files(later / "accordion") == files(place / "other" / "accordion")
    shutil.rmtree(place / "judge")
    done = synth("run", "accordion.toml", cwd=later, **env)  # without it once more: what it said stays
    assert "NO LABEL IS JUDGED: --checkpoint ../judge: no such file or folder" in done.says
    assert pq.read_table(later / "accordion-verdicts.parquet").to_pylist() == verdicts
    assert files(later / "accordion") == files(place / "other" / "accordion")
