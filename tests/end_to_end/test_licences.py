"""Licences from a table to clips, card and audit: what may not be shared is said before anything is rendered."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter

import pyarrow.parquet as pq
import pytest

from synth import demo
from synth.licences import NOT_SHAREABLE, SEVERAL
from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.manifest import manifest
from synth.steps.mix import mix
from tests.checking.wrong_sets import copied, found, table_edited
from tests.end_to_end.commands import synth

VOICES = [f"99{number:02}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Return a function that makes a folder of twelve voices whose table states these licences, one voice after another."""

    def make(name, *stated):
        folder = tmp_path_factory.mktemp(name)
        rows = []
        for k, voice in enumerate(VOICES):
            for path in sorted((demo.folder() / "demo" / voice).rglob("*.flac")):
                (folder / "in").mkdir(exist_ok=True)
                shutil.copy(path, folder / "in" / path.name)
                rows.append(
                    [
                        path.name,
                        voice,
                        "FM"[k % 2],
                        ("low", "high")[k % 2],
                        stated[k // 2 % len(stated)],
                        f"Voice {voice}",
                    ]
                )
        with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["path", "speaker_id", "sex", "labels", "licence", "attribution"], *rows])
        return folder

    return make


def mixed(folder, clips="40/8/8"):
    said = []
    out = folder / "set"
    done = mix(
        source=(str(folder / "in"),),
        csv=str(folder / "table.csv"),
        speakers="1-2",
        clips=clips,
        out=out,
        jobs=1,
        note=said.append,
    )
    return out, found(done.audited, "licence"), said


def licence_section(out):
    return (out / "README.md").read_text(encoding="utf-8").split("## Licence")[1].split("\n## ")[0].strip()


def by_licence(out):
    return Counter(pq.read_table(out / "manifest.parquet", columns=["licence"]).column(0).to_pylist())


@pytest.mark.parametrize(
    ("stated", "whole", "says"),
    [
        (("CC-BY-NC-ND-4.0",), NOT_SHAREABLE, "forbids sharing adaptations"),
        (("cc by-nd 3.0", "CC0"), NOT_SHAREABLE, "CC-BY-ND-3.0 forbids sharing adaptations"),
        (("CC BY-SA 3.0", "CC BY-NC-SA 4.0"), NOT_SHAREABLE, "CC-BY-NC-SA-4.0 and CC-BY-SA-3.0 clash"),
        (("CC BY-SA 4.0", "Attribution-NonCommercial 4.0"), NOT_SHAREABLE, "CC-BY-NC-4.0 and CC-BY-SA-4.0 clash"),
        (("CC0", "ask Bob"), "LicenseRef-unknown", "until their licence is known"),
    ],
)
def test_a_mixture_that_may_not_be_shared_says_so_before_it_is_made(voices, stated, whole, says):
    out, finding, notes = mixed(voices("held", *stated))
    assert len(notes) == 1
    for text in (notes[0], licence_section(out)):
        assert "may not be shared" in text
        assert says in text
    assert licence_section(out).startswith(f"{whole}:")
    assert "license: other" in (out / "README.md").read_text()
    assert finding.holds, finding.says
    assert finding.figures["may_not_be_shared"] == by_licence(out)[whole] > 0
    assert "may not be shared" in finding.says


@pytest.mark.parametrize(
    ("stated", "whole", "head"),
    [
        (("cc-by-nc-4.0", "cc0-1.0"), "CC-BY-NC-4.0", "cc-by-nc-4.0"),
        (("CC BY 4.0", "http://creativecommons.org/publicdomain/zero/1.0/"), "CC-BY-4.0", "cc-by-4.0"),
        (("CC BY-NC", "CC BY-NC-SA 4.0"), "CC-BY-NC-SA-4.0", "cc-by-nc-sa-4.0"),
    ],
)
def test_a_mixture_that_may_be_shared_has_the_licence_that_all_permit(voices, stated, whole, head):
    out, finding, notes = mixed(voices("free", *stated))
    assert notes == []
    assert licence_section(out).startswith(f"{whole}: ")
    assert "may not be shared" not in licence_section(out)
    assert f"\nlicense: {head}\n" in (out / "README.md").read_text()
    assert finding.holds, finding.says
    assert finding.figures["whole"] == whole
    sources = pq.read_table(out / "sources.parquet", columns=["source_id", "licence"]).to_pylist()
    of = {row["source_id"]: row["licence"] for row in sources}
    for row in pq.read_table(out / "manifest.parquet", columns=["licence", "parts"]).to_pylist():
        parts = {of[part["source_id"]] for part in row["parts"]}
        assert row["licence"] == (whole if whole in parts else parts.pop())


def test_an_unreadable_licence_is_named_and_kept(voices):
    folder = voices("odd", "ask Bob", "CC BY-NC")
    done = index([folder / "in"], csv=folder / "table.csv", jobs=1)
    said = {oddity.kind: oddity for _, corpus in done.corpora for oddity in corpus.oddities}
    assert said["licence-unknown"].example.endswith("'ask Bob'")
    assert said["licence-version"].example.endswith("'CC BY-NC'")
    rows = done.table.select(["licence", "extra"]).to_pylist()
    assert {row["licence"] for row in rows} == {"LicenseRef-unknown", "CC-BY-NC-4.0"}
    assert {json.loads(row["extra"])["licence"] for row in rows if row["licence"] == "LicenseRef-unknown"} == {
        "ask Bob"
    }


def labelled(folder, seconds):
    said = []
    sources = folder / "sources.parquet"
    if not sources.exists():
        index([folder / "in"], csv=folder / "table.csv", out=sources, jobs=1)
    out = folder / f"clips-{seconds:g}"
    done = manifest(sources, out=out, seconds=seconds, rate=16000, jobs=1, note=said.append)
    return out, found(done.audited, "licence"), said


def test_a_whole_recording_may_be_passed_on_and_a_cut_may_not(voices):
    folder = voices("fixed", "CC-BY-ND-4.0")
    out, finding, notes = labelled(folder, 6)
    assert (by_licence(out).keys(), notes, finding.holds) == ({"CC-BY-ND-4.0"}, [], True)
    assert "a mixture or a cut may not be shared" in licence_section(out)
    out, finding, notes = labelled(folder, 1)
    assert (by_licence(out).keys(), len(notes), finding.holds) == ({NOT_SHAREABLE}, 1, True)
    assert "may not be shared" in licence_section(out)


def test_clips_beside_each_other_keep_their_own_licences(voices):
    out, finding, notes = labelled(voices("apart", "CC BY-SA 4.0", "CC BY-NC 4.0"), 6)
    assert by_licence(out).keys() == {"CC-BY-SA-4.0", "CC-BY-NC-4.0"}
    assert licence_section(out).startswith(f"{SEVERAL}: Every clip may be shared under a licence of its own")
    assert "CC-BY-NC-4.0 and CC-BY-SA-4.0 clash" in notes[0]
    assert finding.holds, finding.says


def test_the_command_says_it_before_it_renders(voices):
    folder = voices("said", "CC BY-NC-ND 4.0")
    done = synth("mix", "--source", folder / "in", "--csv", folder / "table.csv", "--speakers", "1", "--clips", "12/6/6", "-j", "1", "--out", folder / "set")  # fmt: skip
    assert "The 24 clips may not be shared. CC-BY-NC-ND-4.0 forbids sharing adaptations" in done.out
    assert done.out.index("may not be shared") < done.out.index("recordings can be used")
    done = synth(
        "render", folder / "set" / "plan.parquet", "--root", f"in={folder / 'in'}", "-j", "1", "-o", folder / "copy"
    )
    assert "The 24 clips may not be shared." in done.out


def edited(text):
    def edit(out):
        path = out / "README.md"
        path.write_text(text(path.read_text(encoding="utf-8")), encoding="utf-8")

    return edit


def credited(text):
    def edit(out):
        path = out / "attribution.txt"
        path.write_text(text(path.read_text(encoding="utf-8")), encoding="utf-8")

    return edit


LAUNDERED = {
    "clips freed": lambda out: table_edited(out / "manifest.parquet", "licence", lambda k, value: "CC0-1.0"),
    "one clip freed": lambda out: table_edited(
        out / "manifest.parquet", "licence", lambda k, value: "CC-BY-4.0" if k == 0 else value
    ),
    "sources freed": lambda out: table_edited(out / "sources.parquet", "licence", lambda k, value: "CC-BY-4.0"),
    "a null": lambda out: table_edited(out / "manifest.parquet", "licence", lambda k, value: None if k == 3 else value),
    "card names another": edited(lambda text: text.replace(f"{NOT_SHAREABLE}:", "CC-BY-4.0:")),
    "card is silent": edited(lambda text: text.replace("may not be shared", "may be shared")),
    "card counts wrongly": edited(lambda text: text.replace("Recordings by licence: ", "Recordings by licence: 1")),
    "head names another": edited(lambda text: text.replace("license: other", "license: cc-by-4.0")),
    "no section": edited(lambda text: text.replace("## Licence", "## Terms")),
    "a credit less": credited(lambda text: "\n".join(text.splitlines()[1:])),
    "a credit more": credited(lambda text: text + "Somebody Else (CC0-1.0)\n"),
}


@pytest.fixture(scope="module")
def clashing(voices):
    return mixed(voices("clash", "CC BY-SA 3.0", "CC BY-NC-SA 4.0"))[0]


@pytest.mark.parametrize("how", LAUNDERED)
def test_the_audit_finds_a_laundered_licence(clashing, tmp_path, how):
    out = copied(clashing, tmp_path / "set")
    LAUNDERED[how](out)
    assert found(audit(out, pictures=False), "licence").holds is False


def test_reasons_beyond_those_that_the_card_spells_out(voices, tmp_path):
    """Clips that may not be shared for more reasons than are spelt out: those that are left are counted, and the count is a claim."""
    folder = voices(
        "reasons", "CC-BY-ND-4.0", "CC-BY-NC-ND-3.0", "LicenseRef-foo", "all rights reserved", "GPL-3.0-only", "YouTube"
    )
    out, licence, _ = mixed(folder, clips="60/8/8")
    assert licence.holds, licence.says
    text = (out / "README.md").read_text(encoding="utf-8")
    said = re.search(r"And (\d+) further reasons?\.", text)
    changes = [
        (said[0], f"And {int(said[1]) + 1} further reasons."),
        (said[0], ""),
        ("may not be shared. ", "may not be shared until their licence is known. "),
        ("No commercial use of what is made of CC-BY-NC-ND-3.0. ", ""),
    ]
    changed = copied(out, tmp_path / "set")
    for old, new in changes:
        assert old in text
        (changed / "README.md").write_text(text.replace(old, new), encoding="utf-8")
        assert found(audit(changed, pictures=False), "licence").holds is False, (old, new)
