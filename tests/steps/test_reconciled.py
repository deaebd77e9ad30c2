"""Who is one person, what is one recording, and what nobody can believe: over all roots, in every order."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.audio.measured import Measured
from synth.corpora.items import Item, Oddities
from synth.steps.reconciled import of_one_sex, reconciled


def done(*recordings):
    """Reconcile recordings given as (root, path, samples, fields of Item); return rows by root/path."""
    rows = [(root, Item(path, **{"group_id": f"{root}/{path}", **more})) for root, path, _, more in recordings]
    items = of_one_sex(rows, Oddities())
    facts = [
        Measured(f"file-{root}-{path}", item.status, item.reason, pcm_sha256=pcm if item.status == "ok" else None)
        for (root, path, pcm, _), item in zip(recordings, items, strict=True)
    ]
    result = reconciled(
        [(root, item) for (root, _), item in zip(rows, items, strict=True)], facts, {"libri": ("CC-BY-4.0", "Libri")}
    )
    return {
        f"{root}/{path}": (item, fact)
        for (root, path, _, _), item, fact in zip(recordings, result.items, result.facts, strict=True)
    }, result


def one(root, name, pcm, who=None, **more):
    more = {"sex": "F", "speaker_id": who, "group_id": who, **more} if who else more
    return root, name, pcm, more


class TestOneRecording:
    def test_copies_of_one_speaker_are_one(self):
        rows, _ = done(one("A", "1", "x", "A/s1"), one("A", "2", "x", "A/s1"))
        assert [fact.status for _, fact in rows.values()] == ["ok", "duplicate"]
        assert rows["A/2"][1].reason == "the same samples as A/1"

    def test_the_copy_of_which_most_is_known_stays(self):
        for order in permutations(
            [one("A", "1", "x"), one("B", "1", "x", "B/s1"), one("C", "1", "x", labels=("dog",))]
        ):
            rows, _ = done(*order)
            assert rows["B/1"][1].status == "ok"
            assert {fact.status for _, fact in rows.values()} == {"ok", "duplicate"}

    @pytest.mark.parametrize(
        ("first", "second", "status", "says"),
        [
            (one("A", "1", "x", "A/s1"), one("A", "2", "x", "A/s2"), "conflicting-speakers", "A/s1 here, A/s2 there"),
            (one("A", "1", "x", "A/s1"), one("B", "2", "x", "B/t1"), "conflicting-speakers", "A/s1 here, B/t1 there"),
            (
                one("A", "1", "x", "A/s1"),
                one("B", "2", "x", "B/s1", sex="M"),
                "conflicting-sex",
                "under other sexes of the speaker: F here, M there",
            ),
            (
                one("A", "1", "x", labels=("dog",)),
                one("B", "2", "x", labels=("siren",)),
                "conflicting-labels",
                "under other labels: dog here, siren there",
            ),
            (
                one("A", "1", "x", labels=("dog",)),
                one("A", "2", "x", labels=("dog", "cat")),
                "conflicting-labels",
                "dog here, dog, cat there",
            ),
        ],
    )
    def test_two_tellings_are_named_and_neither_is_believed(self, first, second, status, says):
        for order in ((first, second), (second, first)):
            rows, _ = done(*order)
            assert [fact.status for _, fact in rows.values()] == [status, status]
            name = f"{first[0]}/{first[1]}"
            assert says in rows[name][1].reason
            assert f"the same samples as {second[0]}/{second[1]}" in rows[name][1].reason

    def test_reuploads_of_videos_stay_and_share_a_group(self):
        rows, _ = done(
            one("v", "1", "x", ytid="a", group_id="audioset/a", labels=("dog",)),
            one("v", "2", "x", ytid="b", group_id="audioset/b", labels=("cat",)),
        )
        assert [(item.group_id, fact.status) for item, fact in rows.values()] == [("audioset/a", "ok")] * 2

    def test_the_order_of_labels_is_no_other_telling(self):
        rows, _ = done(one("A", "1", "x", labels=("dog", "cat")), one("B", "1", "x", labels=("cat", "dog")))
        assert [fact.status for _, fact in rows.values()] == ["ok", "duplicate"]


class TestLicencesOfCopies:
    @pytest.mark.parametrize(
        ("first", "second", "licence"),
        [
            ("CC0-1.0", "CC-BY-NC-4.0", "CC-BY-NC-4.0"),
            ("CC-BY-4.0", "CC-BY-ND-4.0", "CC-BY-ND-4.0"),
            ("CC-BY-4.0", "LicenseRef-unknown", "LicenseRef-unknown"),
            ("CC-BY-SA-4.0", "CC-BY-NC-4.0", "LicenseRef-not-shareable"),
        ],
    )
    def test_the_strictest_counts_and_all_are_credited(self, first, second, licence):
        copies = [
            one("A", "1", "x", "A/s1", licence=first, attribution="Ann"),
            one("B", "1", "x", "B/s1", licence=second, attribution="Bob"),
            one("C", "1", "x", "C/s1"),
        ]
        for order in permutations(copies):
            rows, result = done(*order)
            used = next(item for item, fact in rows.values() if fact.status == "ok")
            assert used.licence == licence
            assert set(used.attribution.split("; ")) == {"Ann", "Bob"}
            assert [oddity.kind for oddity in result.oddities if "licence" in oddity.kind] == ["licence-of-copies"]
            left = {item.licence for item, fact in rows.values() if fact.status == "duplicate"}
            assert left <= {first, second, None}, "what a copy states stays where it is"

    def test_a_copy_that_says_nothing_changes_nothing(self):
        rows, result = done(one("libri", "1", "x", "l/s1"), one("B", "1", "x", "B/s1"))
        assert [item.licence for item, _ in rows.values()] == [None, None], "libri's are those of its corpus"
        assert "licence-of-copies" not in {oddity.kind for oddity in result.oddities}

    def test_a_corpus_states_a_licence_for_its_recordings(self):
        rows, _ = done(one("B", "1", "x", "B/s1", licence="CC0-1.0", attribution="Bob"), one("libri", "1", "x", "l/s1"))
        used = next(item for item, fact in rows.values() if fact.status == "ok")
        assert (used.licence, used.attribution) == ("CC-BY-4.0", "Bob; Libri")

    def test_a_copy_of_a_video_does_not_free_its_sound(self):
        rows, _ = done(
            one("v", "1", "x", ytid="a", labels=("dog",), licence="LicenseRef-YouTube"),
            one("B", "1", "x", labels=("dog",), licence="CC0-1.0"),
        )
        assert {item.licence for item, fact in rows.values() if fact.status == "ok"} == {"LicenseRef-YouTube"}


class TestOnePerson:
    def test_the_same_id_and_a_shared_recording_make_one_person_of_two_roots(self):
        rows, result = done(
            one("A", "1", "x", "A/s1"),
            one("A", "2", "y", "A/s1"),
            one("B", "1", "x", "B/S1 "),
            one("B", "3", "z", "B/S1 "),
        )
        assert {item.speaker_id for item, _ in rows.values()} == {"A/s1"}
        assert {item.group_id for item, _ in rows.values()} == {"A/s1"}
        assert [fact.status for _, fact in rows.values()] == ["ok", "ok", "duplicate", "ok"]
        assert [oddity.kind for oddity in result.oddities] == ["one-person"]

    def test_the_same_id_without_one_is_two_persons(self):
        rows, result = done(one("A", "1", "x", "A/s1"), one("B", "1", "y", "B/s1"))
        assert [item.speaker_id for item, _ in rows.values()] == ["A/s1", "B/s1"]
        (said,) = result.oddities
        assert (said.kind, said.count, said.example) == ("same-id", 1, "A/s1, B/s1")

    def test_the_missing_sex_of_a_person_is_known_from_the_other_root(self):
        rows, _ = done(
            one("A", "1", "x", "A/s1", sex=None), one("A", "2", "y", "A/s1", sex=None), one("B", "1", "x", "B/s1")
        )
        assert {item.sex for item, fact in rows.values() if fact.status == "ok"} == {"F"}

    @pytest.mark.parametrize("between", [["B"], ["B", "D"]])
    def test_an_unknown_sex_between_a_woman_and_a_man_is_nobody_in_every_order(self, between):
        """B shares recordings with a woman and a man, or with her and with D, who shares one with him."""
        ends = dict(zip(between, ["x", "z"], strict=False))
        recordings = [one("A", "1", "x", "A/s"), one("A", "2", "own", "A/s")]
        recordings += [one("C", "1", "y", "C/s", sex="M"), one("C", "2", "his", "C/s", sex="M")]
        for root in between:
            recordings.append(one(root, "1", ends[root], f"{root}/s", sex=None))
            recordings.append(one(root, "2", "y" if root == between[-1] else "z", f"{root}/s", sex=None))
            recordings.append(one(root, "3", f"of {root}", f"{root}/s", sex=None))
        for order in permutations([recordings[:2], recordings[2:4], recordings[4:]]):
            rows, _ = done(*(row for part in order for row in part))
            used = {(item.speaker_id, item.sex) for item, fact in rows.values() if fact.status == "ok"}
            assert used == {("A/s", "F"), ("C/s", "M")}
            assert {rows[f"{root}/3"][1].status for root in between} == {"unknown-sex"}
            assert "shares recordings with a woman and with a man" in rows["B/3"][1].reason
            assert len({item.group_id for item, _ in rows.values()}) == 1

    def test_whoever_is_linked_is_linked_to_all(self):
        rows, _ = done(
            *(one(root, "1", f"{k}", f"{root}/s") for k, root in enumerate("ABC")),
            *(one(root, "2", f"{k + 1}", f"{root}/s") for k, root in enumerate("ABC")),
        )
        assert {item.speaker_id for item, _ in rows.values()} == {"A/s"}

    def test_people_of_different_sex_are_two_and_share_a_group(self):
        rows, _ = done(
            one("A", "1", "x", "A/ann"), one("A", "2", "y", "A/ann"), one("A", "3", "x", "A/bob", sex="M"),
            one("A", "4", "z", "A/bob", sex="M"),
        )  # fmt: skip
        assert {item.speaker_id for item, _ in rows.values()} == {"A/ann", "A/bob"}
        assert len({item.group_id for item, _ in rows.values()}) == 1

    def test_one_name_of_two_sexes_with_a_shared_recording_is_a_mistake(self):
        recordings = [
            one("A", "1", "x", "A/ann", said_in="row 2 of a.csv"), one("A", "2", "y", "A/ann", said_in="row 3 of a.csv"),
            one("B", "1", "x", "B/Ann", sex="M", said_in="row 2 of b.csv"),
            one("B", "2", "z", "B/Ann", sex="M", said_in="row 3 of b.csv"),
            one("B", "3", "w", "B/bob", sex="M"), one("A", "3", "v", "A/bob"),
        ]  # fmt: skip
        for order in (recordings, recordings[::-1]):
            rows, _ = done(*order)
            assert {name for name, (_, fact) in rows.items() if fact.status == "ok"} == {"A/3", "B/3"}
            assert {fact.status for _, fact in rows.values()} == {"ok", "conflicting-sex"}
            reason = rows["A/2"][1].reason
            assert "A/ann is F in row" in reason and "B/Ann is M in row" in reason and "they share recordings" in reason

    def test_a_recording_that_many_have_says_nothing_about_them(self):
        rows, _ = done(
            *(one("A", f"beep{k}", "beep", f"A/s{k}") for k in range(5)),
            *(one("A", f"{k}", f"{k}", f"A/s{k}") for k in range(5)),
        )
        assert len({item.speaker_id for item, _ in rows.values()}) == 5
        assert len({item.group_id for item, _ in rows.values()}) == 5
        assert sum(fact.status == "ok" for _, fact in rows.values()) == 5

    def test_a_speaker_in_two_groups_is_in_one(self):
        rows, _ = done(
            one("A", "1", "x", "A/s1", group_id="A/monday"), one("A", "2", "y", "A/s1", group_id="A/tuesday"),
            one("A", "3", "z", "A/s2", group_id="A/tuesday"), one("A", "4", "w", "A/s3", group_id="A/friday"),
        )  # fmt: skip
        assert [item.group_id for item, _ in rows.values()] == ["A/monday"] * 3 + ["A/friday"]


class TestSex:
    def test_a_speaker_has_the_sex_that_any_row_gives(self):
        rows = [("A", Item("1", "A/s1", "F")), ("A", Item("2", "A/s1")), ("B", Item("3", "A/s1"))]
        assert [item.sex for item in of_one_sex(rows, Oddities())] == ["F", "F", "F"]

    def test_rows_that_disagree_are_named_and_none_is_used(self):
        rows = [
            ("A", Item("1", "A/s1", "F", said_in="row 2 of t.csv")),
            ("A", Item("2", "A/s1", "M", said_in="row 3 of t.csv")),
            ("A", Item("3", "A/s1")),
            ("A", Item("4", "A/s2", "M")),
        ]
        oddities = Oddities()
        items = of_one_sex(rows, oddities)
        assert [item.status for item in items] == ["conflicting-sex"] * 3 + ["ok"]
        assert "A/s1 is F in row 2 of t.csv and M in row 3 of t.csv" in items[2].reason
        assert oddities.all()[0].count == 3

    @pytest.mark.parametrize(
        ("word", "says"), [("other", "row 2 of t.csv says 'other'"), (None, "row 2 of t.csv says nothing")]
    )
    def test_an_unknown_sex_is_a_status(self, word, says):
        more = {"sex": None, "sex_word": word, "said_in": "row 2 of t.csv"}
        rows, _ = done(one("A", "1", "x", "A/s1", **more), one("A", "2", "y", "A/s1", labels=("dog",), **more))
        assert [fact.status for _, fact in rows.values()] == ["unknown-sex", "ok"]
        assert says in rows["A/1"][1].reason


def test_no_copy_of_a_recording_that_is_not_believed_is_called_a_mere_copy():
    shared = [one("A", "1", "p", "A/s", sex="M"), one("A", "2", "p", "A/S", sex="F")]
    for copies in permutations([one("A", "3", "q", "A/s", sex="M"), one("A", "4", "q", "A/s", sex="M")]):
        rows, _ = done(*shared, *copies)
        assert {name: fact.status for name, (_, fact) in rows.items()} == {
            **dict.fromkeys(("A/1", "A/2"), "conflicting-speakers"),
            **dict.fromkeys(("A/3", "A/4"), "conflicting-sex"),
        }


recording = st.tuples(
    st.sampled_from("AB"),
    st.sampled_from("pqr"),
    st.sampled_from(["s", "S", "t", "u"]),
    st.sampled_from(["F", "M", None]),
)


@given(st.lists(recording, min_size=1, max_size=14), st.randoms())
def test_nobody_and_no_samples_are_in_two_groups_in_whatever_order(found, random):
    made = [one(root, f"{k}", pcm, f"{root}/{who}", sex=sex) for k, (root, pcm, who, sex) in enumerate(found)]
    rows, _ = done(*made)
    used = [(name, item) for name, (item, fact) in rows.items() if fact.status == "ok"]
    for column in ("speaker_id", "group_id"):
        assert all(getattr(item, column) for _, item in used)
    group_of = {}
    for _, item in used:
        assert group_of.setdefault(item.speaker_id, item.group_id) == item.group_id
    samples = [made[int(name.split("/")[1])][2] for name, _ in used]
    assert len(samples) == len(set(samples)), "a recording is used once"
    shuffled = random.sample(made, len(made))
    again, _ = done(*shuffled)
    believed = {name for name, (_, fact) in rows.items() if not fact.status.startswith("conflicting")}
    assert {name for name, (_, fact) in again.items() if not fact.status.startswith("conflicting")} == believed
    sexes = [
        {pcm: (item.sex, fact.status) for pcm, (item, fact) in by_samples(made, all_).items()} for all_ in (rows, again)
    ]
    assert sexes[0] == sexes[1]


def by_samples(made, rows):
    """Return the rows that are used, or not for want of a sex, by their samples."""
    pcm_of = {f"{root}/{path}": pcm for root, path, pcm, _ in made}
    return {pcm_of[name]: row for name, row in rows.items() if row[1].status in ("ok", "unknown-sex")}
