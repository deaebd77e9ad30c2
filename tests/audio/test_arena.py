"""What is remembered between runs: packs of samples, measures by content, and files that need not be read again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from synth.audio import arena
from synth.audio.cache import Cache, Place, Stamp, folder
from synth.audio.measured import measured
from synth.errors import InputError
from synth.steps.index import index
from synth.store.atomic import replacing

RATE = 16_000


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))


def noise(seed: int, n: int = RATE) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(n) * 2000).astype(np.int16)


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    for k in range(4):
        sf.write(root / f"{k}.wav", noise(k, RATE + 1000 * k), RATE, subtype="PCM_16")
    (root / "bad.wav").write_bytes(b"no sound")
    return root


def test_a_pack_holds_the_samples_that_are_rendered(corpus):
    paths = sorted(corpus.glob("*.wav"))
    results = arena.measure_chunk(paths, RATE, keep=replacing)
    packs = {place.pack for _, place in results if place}
    assert len(packs) == 1
    for path, (facts, place) in zip(paths, results, strict=True):
        alone, samples = measured(path, RATE)
        assert facts == alone
        assert (place is None) == (samples is None)
        if place:
            found = arena.mapped(place.pack, RATE)[place.start_n : place.start_n + place.length_n]
            assert np.array_equal(found, samples)
            assert not found.flags.writeable
    assert sum(place.length_n for _, place in results if place) == len(arena.mapped(packs.pop(), RATE))


def test_without_keeping_nothing_is_written(corpus):
    results = arena.measure_chunk(sorted(corpus.glob("*.wav")), RATE, keep=None)
    assert [place for _, place in results] == [None] * 5
    assert not (folder() / "arena").exists()
    assert arena.measure_chunk([corpus / "bad.wav"], RATE, keep=replacing)[0][1] is None


def test_a_pack_that_is_gone_or_cut_is_noticed(corpus):
    index([corpus])
    with Cache() as cache:
        places = cache.places(RATE)
        assert len(places) == 4
        assert arena.present(places, RATE) == places
        path = arena.pack_path(next(iter(places.values())).pack, RATE)
        last = max((p for p in places.values() if arena.pack_path(p.pack, RATE) == path), key=lambda p: p.start_n)
        path.write_bytes(path.read_bytes()[:-2])
        assert last not in arena.present(places, RATE).values()
        path.unlink()
        left = arena.present(places, RATE)
        assert path not in {arena.pack_path(place.pack, RATE) for place in left.values()}
        assert arena.present(places, 8000) == {}


def test_the_size_check_leaves_room():
    assert arena.fits(0)
    assert not arena.fits(1 << 60)


def test_unchanged_files_are_not_read_again(corpus):
    first = index([corpus])
    assert first.fresh == 5
    again = index([corpus])
    assert again.fresh == 0
    assert again.table.equals(first.table)


def test_a_file_written_over_with_its_old_size_and_time_is_read_again(corpus):
    index([corpus])
    stamp = (corpus / "0.wav").stat()
    (corpus / "0.wav").write_bytes(b"x" * stamp.st_size)
    os.utime(corpus / "0.wav", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    again = index([corpus])
    assert again.fresh == 1
    assert again.counts["unreadable"] == 2


@pytest.mark.parametrize("way", ["in its place", "written over", "moved there", "a link to it"])
def test_another_file_of_the_same_size_and_time_is_another_file(corpus, tmp_path, way):
    first = index([corpus]).table.to_pydict()
    path, other = corpus / "3.wav", tmp_path / "other.wav"
    stamp = path.stat()
    sf.write(other, noise(77, RATE + 3000), RATE, subtype="PCM_16")
    assert other.stat().st_size == stamp.st_size
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    if way == "written over":
        path.write_bytes(other.read_bytes())
    elif way == "moved there":
        path.unlink()
        other.rename(path)
    elif way == "a link to it":
        path.unlink()
        path.symlink_to(other)
    else:
        other.replace(path)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert path.stat().st_mtime_ns == stamp.st_mtime_ns
    now = index([corpus]).table.to_pydict()
    assert now["sha256"][3] == hashlib.sha256(path.read_bytes()).hexdigest() != first["sha256"][3]
    assert now["pcm_sha256"][3] != first["pcm_sha256"][3]
    assert now["sha256"][:3] == first["sha256"][:3]


def test_a_changed_permission_costs_a_reading_and_no_more(corpus):
    first = index([corpus])
    (corpus / "1.wav").chmod(0o600)
    again = index([corpus])
    assert again.fresh <= 1
    assert again.table.equals(first.table)
    assert index([corpus]).fresh == 0


def test_a_changed_file_is_measured_anew(corpus):
    first = index([corpus]).table.to_pydict()
    sf.write(corpus / "1.wav", noise(9, RATE + 1000), RATE, subtype="PCM_16")
    later = index([corpus])
    assert later.fresh == 1
    now = later.table.to_pydict()
    changed = [path for path, a, b in zip(first["path"], first["sha256"], now["sha256"], strict=True) if a != b]
    assert changed == ["1.wav"]


def test_a_touched_file_is_read_and_found_the_same(corpus):
    first = index([corpus])
    os.utime(corpus / "2.wav", ns=(1, 1))
    again = index([corpus])
    assert again.fresh == 1
    assert again.table.equals(first.table)
    assert index([corpus]).fresh == 0


def test_another_rate_is_measured_beside_the_first(corpus):
    first = index([corpus])
    other = index([corpus], rate=8000)
    assert other.fresh == 5
    assert other.table.column("envelope").to_pylist() != first.table.column("envelope").to_pylist()[:0]
    assert index([corpus]).fresh == 0
    with Cache() as cache:
        assert set(cache.places(RATE)) == set(cache.places(8000))


def test_the_cache_may_be_deleted(corpus):
    import shutil

    first = index([corpus])
    shutil.rmtree(folder())
    again = index([corpus])
    assert again.fresh == 5
    assert again.table.equals(first.table)


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_number_of_workers_does_not_show(corpus, jobs):
    table = index([corpus], jobs=jobs).table
    assert table.column("path").to_pylist() == ["0.wav", "1.wav", "2.wav", "3.wav", "bad.wav"]
    assert table.column("status").to_pylist() == ["ok"] * 4 + ["unreadable"]
    lengths = np.diff(np.frombuffer(table.column("envelope").chunk(0).buffers()[1], np.int32))
    assert lengths.tolist() == [50, 53, 56, 59, 0]


def test_nothing_usable_is_an_error_that_says_what_was_found(tmp_path):
    root = tmp_path / "only-bad"
    root.mkdir()
    (root / "bad.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match="none of 1 recording can be used: 1 unreadable"):
        index([root])


def test_measures_and_roots_are_remembered(corpus):
    facts, _ = measured(corpus / "0.wav", RATE)
    stamp = Stamp("/somewhere", 10, 20, 30, 2**64 - 1)
    with Cache() as cache:
        cache.remember(RATE, [(stamp, facts, Place("pack", 3, 4))])
        cache.remember_root("corpus", corpus)
    changes = {"path": "/elsewhere", "size": 11, "mtime_ns": 21, "ctime_ns": 31, "inode": 1}
    others = [replace(stamp, **{name: value}) for name, value in changes.items()]
    with Cache() as cache:
        assert cache.hashes([stamp, *others]) == [facts.sha256, *[None] * len(others)]
        assert cache.known(facts.sha256, RATE) == facts
        assert cache.known(facts.sha256, 8000) is None
        assert cache.places(RATE) == {facts.sha256: Place("pack", 3, 4)}
        assert cache.roots() == {"corpus": corpus}
