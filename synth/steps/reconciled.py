"""Who is the same person, and what is the same recording, over all roots together: nobody may be in two splits.

Before the audio is read: a speaker whose rows disagree about the sex is not used. After it: recordings with the same
samples are one recording, if everybody agrees on who speaks and what is heard; else none of them is believed. Its licence
is the strictest that any copy states. Two ids that share samples are one person; whoever shares a group, a person or
samples is in one group.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from synth import licences
from synth.audio.measured import Measured
from synth.corpora import persons
from synth.corpora.items import Item, Oddities, Oddity
from synth.errors import listed

Found = tuple[str, Item]  # the name of the root, and a file below it
SEVERAL = 3  # speakers of one table with the same samples: these are of a common recording, not of one person


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The rows with speakers, sexes and groups of their persons, their measures with statuses, and what was joined."""

    items: list[Item]
    facts: list[Measured]
    oddities: tuple[Oddity, ...]


class Sets:
    """Disjoint sets of things that are joined two by two; a set is called after its first member in the given order."""

    def __init__(self, order: Iterable[Hashable]) -> None:
        self._rank = {name: k for k, name in enumerate(dict.fromkeys(order))}
        self._parent: dict[Hashable, Hashable] = {}

    def top(self, name: Hashable) -> Hashable:
        """Return the name of the set of a thing."""
        path = []
        while (above := self._parent.get(name, name)) != name:
            path.append(name)
            name = above
        for one in path:
            self._parent[one] = name
        return name

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of two."""
        first, second = sorted((self.top(one), self.top(other)), key=lambda name: self._rank[name])
        if first != second:
            self._parent[second] = first

    def __bool__(self) -> bool:
        return bool(self._parent)


def of_one_sex(rows: Sequence[Found], oddities: Oddities) -> list[Item]:
    """Return the items, a speaker's sex being the one that any of the rows gives.

    Recordings of speakers whose rows disagree have the status ``conflicting-sex`` and a reason that names two rows.
    """
    given: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for k, (_, item) in enumerate(rows):
        if item.speaker_id and item.sex:
            given[item.speaker_id].setdefault(item.sex, k)
    bad = {who: sorted(found.values()) for who, found in given.items() if len(found) > 1}
    out = []
    for _, item in rows:
        found = given.get(item.speaker_id or "")
        if item.speaker_id in bad:
            one, other = (rows[k] for k in bad[item.speaker_id])
            reason = (
                f"the speaker {item.speaker_id} is {one[1].sex} in {_place(one)} and {other[1].sex} in {_place(other)}: "
                "correct the one that is wrong"
            )
            oddities.add("conflicting-sex", reason, "recordings of speakers of whom both sexes are said; not used")
            out.append(replace(item, status="conflicting-sex", reason=reason) if item.status == "ok" else item)
        elif found and item.sex is None and item.status == "ok":
            out.append(replace(item, sex=next(iter(found))))
        else:
            out.append(item)
    return out


def reconciled(
    rows: Sequence[Found], facts: Sequence[Measured], terms: Mapping[str, tuple[str, str]] | None = None
) -> Reconciled:
    """Reconcile rows by their samples.

    ``facts``: their measures, in the same order; ``terms``: licence and credit of what a root does not say otherwise.
    """
    work = _Work(list(rows), list(facts), terms or {})
    work.judge()
    work.license()
    work.join()
    return Reconciled([item for _, item in work.rows], work.facts, work.oddities.all())


@dataclass
class _Work:
    rows: list[Found]
    facts: list[Measured]
    terms: Mapping[str, tuple[str, str]]
    oddities: Oddities = field(default_factory=Oddities)
    between: set[str] = field(default_factory=set)  # ids of unknown sex that share recordings with both

    def __post_init__(self) -> None:
        self.copies: list[list[int]] = []  # rows with the same samples or the same bytes, two or more
        self.alike: list[list[int]] = []  # of these, the rows that can be used
        for name in ("pcm_sha256", "sha256"):
            by_content: defaultdict[str, list[int]] = defaultdict(list)
            for k, fact in enumerate(self.facts):
                if content := getattr(fact, name):
                    by_content[content].append(k)
            every = [rows for rows in by_content.values() if len(rows) > 1]
            good = ([k for k in rows if self.facts[k].status == "ok"] for rows in every)
            found = [rows for rows in good if len(rows) > 1]
            self.copies += every
            self.alike += found
            if name == "pcm_sha256":
                self.same_samples = found

    def judge(self) -> None:
        """Give recordings with the same samples their statuses: one stays if all agree, else none.

        Segments of videos are left alone: the same sound under two ids is a re-upload, and what it needs is one group.
        """
        for alike in self.same_samples:
            same = [k for k in alike if self.rows[k][1].ytid is None]
            if len(same) < 2:
                continue
            items = [self.rows[k][1] for k in same]
            speakers = {_local(item.speaker_id) for item in items if item.speaker_id}
            sexes = {item.sex for item in items if item.speaker_id and item.sex}
            labels = {(frozenset(item.labels), item.emotion) for item in items if item.labels or item.emotion}
            if len(speakers) > 1 or self._two_of_one_table(items):
                self._none(same, "conflicting-speakers", "speakers", "speaker_id")
            elif len(sexes) > 1:
                self._none(same, "conflicting-sex", "sexes of the speaker", "sex")
            elif len(labels) > 1:
                self._none(same, "conflicting-labels", "labels", "labels")
            else:
                self._one(same)

    def _two_of_one_table(self, items: Sequence[Item]) -> bool:
        """Tell whether two ids of one name space are among the speakers of some items."""
        spaces = Counter(who.partition("/")[0] for who in {item.speaker_id for item in items if item.speaker_id})
        return any(count > 1 for count in spaces.values())

    def _one(self, same: Sequence[int]) -> None:
        """Keep the recording of which most is known, the first of equals."""
        known = {
            k: (bool(item.speaker_id), bool(item.sex), bool(item.labels or item.emotion), bool(item.split))
            for k in same
            for item in [self.rows[k][1]]
        }
        kept = max(same, key=lambda k: (known[k], -k))
        for k in same:
            if k != kept:
                self._status(k, "duplicate", f"the same samples as {self._name(kept)}")

    def _none(self, same: Sequence[int], status: str, what: str, column: str) -> None:
        """Leave out all of some recordings; each names one that says something else."""
        for k in same:
            own = getattr(self.rows[k][1], column)
            other = next((j for j in same if getattr(self.rows[j][1], column) not in (own, None, ())), None)
            other = next(j for j in same if j != k) if other is None else other
            why = (
                f"the same samples as {self._name(other)}, under other {what}: {_said(own)} here, "
                f"{_said(getattr(self.rows[other][1], column))} there; nobody knows which is right"
            )
            self._status(k, status, why)

    def _status(self, k: int, status: str, reason: str) -> None:
        self.facts[k] = replace(self.facts[k], status=status, reason=reason)

    def _name(self, k: int) -> str:
        root, item = self.rows[k]
        return f"{root}/{item.path}"

    def license(self) -> None:
        """Give each recording that is used the strictest licence of its copies, and the credits of all of them."""
        linked = Sets(k for same in self.copies for k in same)
        for same in self.copies:
            for k in same[1:]:
                linked.join(same[0], k)
        one_recording: defaultdict[Hashable, list[int]] = defaultdict(list)
        for k in sorted({k for same in self.copies for k in same}):
            one_recording[linked.top(k)].append(k)
        for same in one_recording.values():
            stated = {k: terms for k in same if any(terms := self._stated(k))}
            if all(self.rows[k][1].ytid for k in same) or not stated:
                continue
            licence = licences.of_copies({one for one, _ in stated.values() if one} or {licences.UNKNOWN})
            credit = "; ".join(dict.fromkeys(one for _, one in stated.values() if one)) or None
            for k in same:
                root, item = self.rows[k]
                if self.facts[k].status == "ok" and self._stated(k) != (licence, credit):
                    self.rows[k] = root, replace(item, licence=licence, attribution=credit or item.attribution)
            if len({one for one, _ in stated.values() if one}) > 1:
                example = ", ".join(f"{self._name(k)}: {one}" for k, (one, _) in list(stated.items())[:2])
                says = "recordings whose copies have different licences; the strictest counts, whichever copy is used"
                self.oddities.add("licence-of-copies", example, says)

    def _stated(self, k: int) -> tuple[str | None, str | None]:
        """Return the licence and the credit that a row or its corpus states, if any: saying nothing changes nothing."""
        root, item = self.rows[k]
        licence, credit = self.terms.get(root, (licences.UNKNOWN, ""))
        silent = licence == licences.UNKNOWN
        return item.licence or (None if silent else licence), item.attribution or (None if silent else credit)

    def join(self) -> None:
        """Make one person of ids that share samples, one group of what shares a person, a group or samples."""
        people = Sets(item.speaker_id for _, item in self.rows if item.speaker_id)
        sexes: dict[Hashable, str] = {}
        for _, item in self.rows:
            if item.speaker_id and item.sex:
                sexes[item.speaker_id] = item.sex
        shared: list[list[int]] = []
        links: list[tuple[str, str]] = []
        for same in self.alike:
            who = list(dict.fromkeys(one for k in same if (one := self.rows[k][1].speaker_id)))
            spaces = Counter(one.partition("/")[0] for one in who)
            common = {one for one in who if spaces[one.partition("/")[0]] >= SEVERAL}
            shared.append([k for k in same if self.rows[k][1].speaker_id not in common])
            links += combinations([one for one in who if one not in common], 2)
        self._one_person(links, people, sexes)
        self._of_both_sexes([pair for pair in links if {sexes.get(who) for who in pair} == {"F", "M"}], people)
        if people:
            self._tell(people)
            for k, (root, item) in enumerate(self.rows):
                name = str(people.top(item.speaker_id)) if item.speaker_id else None
                sex = item.sex or sexes.get(name)
                if (name, sex) != (item.speaker_id, item.sex):
                    self.rows[k] = root, replace(item, speaker_id=name, sex=sex)
        self._say_who_is_two()
        self._group(shared)
        self._without_sex()

    def _one_person(self, links: Sequence[tuple[str, str]], people: Sets, sexes: dict[Hashable, str]) -> None:
        """Join ids that share samples; ids of different sex are two persons all the same.

        An id of unknown sex that leads to a woman and to a man, perhaps over others, is neither of them: else the order of
        the roots would decide.
        """
        alike = [(one, other) for one, other in links if len({sexes[who] for who in (one, other) if who in sexes}) < 2]
        linked = Sets(name for pair in alike for name in pair)
        for one, other in alike:
            linked.join(one, other)
        found: defaultdict[Hashable, set[str]] = defaultdict(set)
        for name in dict.fromkeys(name for pair in alike for name in pair):
            found[linked.top(name)] |= {sexes[name]} if name in sexes else set()
        for one, other in alike:
            of_one_kind = (one in sexes) == (other in sexes)
            if len(found[linked.top(one)]) < 2 or of_one_kind:
                people.join(one, other)
        for name in dict.fromkeys(name for pair in alike for name in pair):
            if name in sexes:
                sexes[people.top(name)] = sexes[name]
            elif len(found[linked.top(name)]) > 1:
                self.between.add(name)

    def _of_both_sexes(self, links: Sequence[tuple[str, str]], people: Sets) -> None:
        """Use no recording of ids that share samples and a name, but are said to be of different sex."""
        bad: dict[Hashable, tuple[str, str]] = {}
        for one, other in links:
            if _local(one) == _local(other):
                bad |= {people.top(who): (one, other) for who in (one, other) if people.top(who) not in bad}
        if not bad:
            return
        place: dict[str, str] = {}
        for found in self.rows:
            who, sex = found[1].speaker_id, found[1].sex
            if who and sex:
                place.setdefault(who, f"{who} is {sex} in {_place(found)}")
        for k, (_, item) in enumerate(self.rows):
            pair = bad.get(people.top(item.speaker_id)) if item.speaker_id else None
            if pair and self.facts[k].status in ("ok", "duplicate"):  # the order of the rows says which copy is kept
                why = f"{place[pair[0]]} and {place[pair[1]]}; they share recordings: correct the one that is wrong"
                self._status(k, "conflicting-sex", why)
                says = "recordings of persons of whom both sexes are said, in two roots; not used"
                self.oddities.add("conflicting-sex", why, says)

    def _tell(self, people: Sets) -> None:
        """Say which ids are one person."""
        members: defaultdict[str, list[str]] = defaultdict(list)
        for one in dict.fromkeys(item.speaker_id for _, item in self.rows if item.speaker_id):
            members[str(people.top(one))].append(one)
        for name, ids in members.items():
            if len(ids) > 1:
                says = (
                    "persons who have several ids, as these share recordings; one speaker each, called by the first id"
                )
                self.oddities.add("one-person", listed((name, *(one for one in ids if one != name)), 4), says)

    def _say_who_is_two(self) -> None:
        """Say which ids several tables have in common: a name of one table is no name of another."""
        by_id: defaultdict[str, dict[str, None]] = defaultdict(dict)
        used = (item.speaker_id for (_, item), fact in zip(self.rows, self.facts, strict=True) if fact.status == "ok")
        for name in dict.fromkeys(who for who in used if who):
            by_id[_local(name)][name] = None
        several = [names for names in by_id.values() if len(names) > 1]
        if several:
            says = (
                "ids that are in several corpora or tables, and no recording in common says that they are one person; taken "
                "for different persons (those who are one need one table for both folders)"
            )
            self.oddities.add("same-id", listed(several[0], 4), says, len(several))

    def _group(self, shared: Iterable[Sequence[int]]) -> None:
        groups = Sets(sorted({item.group_id for _, item in self.rows if item.group_id}))
        of_speaker: dict[str, str] = {}
        for _, item in self.rows:
            if item.speaker_id and item.group_id:
                first = of_speaker.setdefault(item.speaker_id, item.group_id)
                if first != item.group_id:
                    groups.join(first, item.group_id)
        for same in shared:
            ids = list(dict.fromkeys(group for k in same if (group := self.rows[k][1].group_id)))
            for other in ids[1:]:
                groups.join(ids[0], other)
        if not groups:
            return
        for k, (root, item) in enumerate(self.rows):
            if item.group_id and (name := str(groups.top(item.group_id))) != item.group_id:
                self.rows[k] = root, replace(item, group_id=name)

    def _without_sex(self) -> None:
        """Recordings of a speaker of unknown sex are of no use but for their labels."""
        for k, (_, item) in enumerate(self.rows):
            if self.facts[k].status != "ok" or not item.speaker_id or item.sex or item.labels:
                continue
            where = item.said_in or item.path
            why = (
                f"{where} says '{item.sex_word}'"
                if item.sex_word
                else f"{where} says nothing of it (wanted F or M in the column sex)"
            )
            if item.speaker_id in self.between:
                why += ", and it shares recordings with a woman and with a man"
            self._status(k, "unknown-sex", f"the sex of {item.speaker_id} is not known as female or male: {why}")


def _local(speaker_id: str) -> str:
    """Return the id of a speaker within its name space, in the form in which ids are compared."""
    return persons.identity(speaker_id.partition("/")[2] or speaker_id)


def _place(found: Found) -> str:
    root, item = found
    return item.said_in or f"{root}/{item.path}"


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value is not None else "none"
