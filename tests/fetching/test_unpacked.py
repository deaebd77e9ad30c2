"""Archives of strangers: what is plain is unpacked, what is not leaves nothing anywhere."""

from __future__ import annotations

import gzip
import io
import random
import stat
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from synth.errors import InputError
from synth.fetching import unpacked
from synth.fetching.unpacked import UnsafeError, parts, place, unpacking

KINDS = ("a.tar.gz", "a.zip")


def tarred(path: Path, members: list[tuple[str, bytes] | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member, io.BytesIO(bytes(member.size)))
                continue
            info = tarfile.TarInfo(member[0])
            if member[0].endswith("/"):
                info.type = tarfile.DIRTYPE
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return path


def zipped(path: Path, members: list[tuple[str, bytes] | tuple[zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            info = name
            if isinstance(name, str):
                info = zipfile.ZipInfo("x")
                info.filename = name
                info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, content)
    return path


def made(folder: Path, kind: str, members: list[tuple[str, bytes]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return (zipped if kind.endswith(".zip") else tarred)(folder / kind, members)


def special(name: str, kind: bytes, to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def unpack(archive: Path, beside: Path) -> dict[str, bytes | None]:
    beside.mkdir(exist_ok=True)
    with unpacking(archive, beside, lambda *_: None) as temporary:
        return tree(temporary)


def refused(archive: Path, place: Path, match: str, kind: type[InputError] = UnsafeError) -> None:
    """See that nothing is left of an archive, neither where it was unpacked nor anywhere around."""
    before = {path for path in place.rglob("*") if path != place / "out"}
    with pytest.raises(kind, match=match):
        unpack(archive, place / "out")
    assert {path for path in place.rglob("*") if path != place / "out"} == before
    assert not (place / "out").exists() or not any((place / "out").iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_files_and_folders_come_out_as_they_went_in(tmp_path, kind):
    content = random.Random(1).randbytes(3_000_000)
    said = []
    archive = made(tmp_path, kind, [("C/", b""), ("C/a b.flac", content), ("./C/d/é.txt", b""), ("C/x", b"1")])
    with unpacking(archive, tmp_path, lambda *what: said.append(what)) as temporary:
        assert temporary.parent == tmp_path and temporary.name.startswith(".partial-")
        assert tree(temporary) == {"C": None, "C/a b.flac": content, "C/d": None, "C/d/é.txt": b"", "C/x": b"1"}
        assert all(not path.stat().st_mode & (stat.S_ISUID | stat.S_IXOTH) for path in temporary.rglob("*.flac"))
    assert [path.name for path in tmp_path.iterdir()] == [kind]
    assert {what for what, _, _ in said} == {f"unpacking {kind}"}
    assert said[-1][1] == said[-1][2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "a/..",
        "/tmp/x",
        "//x",
        "..\\x",
        "\\\\server\\x",
        "C:/x",
        "C:x",
        "a/b:stream",
        "a\nb",
        "a\x1b[2Jb",
        "a" * 300,
        "/".join("a" * 40),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, kind, name):
    archive = made(tmp_path, kind, [("good", b"1"), (name, b"2")])
    refused(archive, tmp_path, rf"{kind}: its member .* nothing was unpacked")


def test_a_name_with_a_nul_is_refused(tmp_path):
    archive = made(tmp_path, "a.zip", [("good", b"1"), ("evilXname", b"2")])
    archive.write_bytes(archive.read_bytes().replace(b"evilXname", b"evil\0name"))
    refused(archive, tmp_path, "no text")


def test_a_name_that_is_no_utf8_is_refused(tmp_path):
    refused(made(tmp_path, "a.tar.gz", [("x\udcff", b"")]), tmp_path, "no text")


@pytest.mark.parametrize(
    ("name", "kind", "to"),
    [
        ("link", tarfile.SYMTYPE, "/etc"),
        ("link", tarfile.SYMTYPE, "good"),
        ("hard", tarfile.LNKTYPE, "good"),
        ("hard", tarfile.LNKTYPE, "/etc/passwd"),
        ("null", tarfile.CHRTYPE, ""),
        ("disk", tarfile.BLKTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
        ("old", tarfile.CONTTYPE, ""),
        ("sparse", tarfile.GNUTYPE_SPARSE, ""),
        ("new", b"Z", ""),
    ],
)
def test_a_tar_with_more_than_files_and_folders_is_refused(tmp_path, name, kind, to):
    archive = tarred(tmp_path / "a.tar.gz", [("good", b"1"), special(name, kind, to), (f"{name}/x", b"2")])
    refused(archive, tmp_path, "link, a device", InputError if kind == tarfile.GNUTYPE_SPARSE else UnsafeError)


def test_a_sparse_file_in_pax_form_is_refused(tmp_path):
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,1",
        "GNU.sparse.size": str(1 << 40),
    }
    refused(tarred(tmp_path / "a.tar.gz", [info]), tmp_path, "link, a device")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFBLK])
def test_a_zip_with_more_than_files_and_folders_is_refused(tmp_path, mode):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (mode | 0o777) << 16
    refused(zipped(tmp_path / "a.zip", [("good", b"1"), (info, b"/etc/passwd")]), tmp_path, "link, a device")


def test_a_zip_that_is_encrypted_or_oddly_packed_is_refused(tmp_path):
    archive = zipped(tmp_path / "a.zip", [("good", b"1")])
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, tmp_path, "encrypted")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as made_again:
        made_again.writestr("x", b"1")
    refused(archive, tmp_path, "packed in a way")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/x", "a/X"),
        ("A/x", "a/y"),
        ("a/x", "a/x"),
        ("é", "e\u0301"),
        ("straße", "STRASSE"),
        ("a", "a/b"),
        ("a/b", "a"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_names_that_are_one_on_some_systems_are_refused(tmp_path, kind, first, second):
    refused(made(tmp_path, kind, [(first, b"1"), (second, b"2")]), tmp_path, "is there already, as")


@pytest.mark.parametrize("kind", KINDS)
def test_ten_times_the_size_is_refused_before_it_is_written(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(unpacked, "MOST_LEAST", 1 << 20)
    random_bytes = random.Random(3).randbytes(200_000)
    fine = made(tmp_path / "fine", kind, [("x", random_bytes), ("y", bytes(1_500_000))])
    assert unpack(fine, tmp_path / "fine" / "out").keys() == {"x", "y"}
    bomb = made(tmp_path / "bomb", kind, [("x", random_bytes), ("y", bytes(200_000_000))])
    assert bomb.stat().st_size < 1_000_000
    refused(bomb, tmp_path / "bomb", "far more than its size allows")


def test_a_zip_whose_members_lie_about_their_size_or_overlap_is_refused(tmp_path):
    """The quoted bomb: many names for one run of bytes; and a size of 1 byte before 50 MB."""
    archive = zipped(tmp_path / "a.zip", [("kernel", bytes(50_000_000))])
    content = bytearray(archive.read_bytes())
    entry = content.index(b"PK\1\2")
    content[entry + 24 : entry + 28] = (1).to_bytes(4, "little")
    archive.write_bytes(content)
    refused(archive, tmp_path, "damaged|far more", InputError)


def test_a_header_of_gigabytes_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("x")
        info.pax_headers = {"comment": "x" * 100_000_000}
        tar.addfile(info)
    refused(tmp_path / "a.tar.gz", tmp_path, "far more than its size allows")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.98])
def test_a_truncated_archive_is_damaged(tmp_path, kind, keep):
    archive = made(tmp_path, kind, [(f"{k}", random.Random(k).randbytes(20_000)) for k in range(20)])
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    refused(archive, tmp_path, "is damaged", InputError)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), min_size=1, max_size=6))
@example(changes=[(450, 64)])
@example(changes=[(841, 1)])
def test_damage_anywhere_is_an_error_of_ours_or_none(tmp_path, kind, changes):
    members = [("C/", b""), ("C/a", b"x" * 700), ("C/b", b"y" * 30)]
    archive = tmp_path / f"damaged-{kind}"
    if kind == "a.tar.gz":
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as tar:
            for name, content in members[1:]:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        content = bytearray(plain.getvalue()[:4096])
    else:
        content = bytearray(made(tmp_path, kind, members).read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    archive.write_bytes(gzip.compress(content) if kind == "a.tar.gz" else content)
    with suppress(InputError):
        unpack(archive, tmp_path / "out")
    assert not any((tmp_path / "out").iterdir())


NAMES = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(["..", ".", "", "a", "A", "~", "C:", "\\", "con", " ", "…", "é"]), max_size=8).map(
        "/".join
    ),
)


@given(NAMES)
@example("a/./b")
@example("....//x")
def test_parts_never_lead_out(name):
    try:
        found = parts(name)
    except ValueError:
        return
    folder = Path("/somewhere/deep")
    assert folder.joinpath(*found).resolve().is_relative_to(folder)
    assert not any(part in ("", ".", "..") or "/" in part or "\\" in part or "\0" in part for part in found)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(names=st.lists(NAMES, min_size=1, max_size=4))
def test_no_member_name_writes_outside(tmp_path, kind, names):
    """Whatever the names: nothing changes outside the temporary folder, which is gone afterwards."""
    place = tmp_path / "place"
    (place / "out").mkdir(parents=True, exist_ok=True)
    (place / "beside").write_bytes(b"mine")
    try:
        archive = made(tmp_path, kind, [(name, b"theirs") for name in names])
    except (ValueError, UnicodeError):
        return  # not a name that an archive can hold
    found: dict[str, bytes | None] = {}
    try:
        with unpacking(archive, place / "out", lambda *_: None) as temporary:
            found = tree(temporary)
            assert {path.name for path in place.rglob("*") if not path.is_relative_to(temporary)} == {"out", "beside"}
    except InputError:
        pass
    assert {content for content in found.values() if content is not None} <= {b"theirs"}
    assert tree(place) == {"out": None, "beside": b"mine"}


def test_a_folder_takes_its_place_at_once_and_what_is_there_stays(tmp_path):
    out, found = tmp_path / "out", tmp_path / "found"
    for path, content in {
        "new/a": b"1",
        "old/same": b"222",
        "old/short": b"333",
        "old/absent": b"4",
        "T.TXT": b"5",
    }.items():
        (found / path).parent.mkdir(parents=True, exist_ok=True)
        (found / path).write_bytes(content)
    for path, content in {"old/same": b"own", "old/short": b"3", "old/mine": b"own", "mine": b"own"}.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    inode = (found / "new").stat().st_ino
    place(found, out)
    assert {name: content for name, content in tree(out).items() if content is not None} == {
        "new/a": b"1",
        "old/same": b"own",
        "old/short": b"333",
        "old/absent": b"4",
        "old/mine": b"own",
        "mine": b"own",
        "T.TXT": b"5",
    }
    assert (out / "new").stat().st_ino == inode, "renamed, not copied"


def test_a_full_disk_leaves_nothing(tmp_path):
    """In a file system of 1 MB that only the child sees."""
    archive = tarred(tmp_path / "a.tar.gz", [(f"{k}", random.Random(k).randbytes(300_000)) for k in range(8)])
    disk = tmp_path / "disk"
    disk.mkdir()
    code = textwrap.dedent(
        """
        import subprocess, sys
        from pathlib import Path
        disk = Path(sys.argv[2])
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True).returncode:
            sys.exit(77)
        from synth.errors import InputError
        from synth.fetching.unpacked import unpacking
        try:
            with unpacking(Path(sys.argv[1]), disk, lambda *_: None):
                print("unpacked")
        except InputError as error:
            print(error)
        print([path.name for path in disk.iterdir()])
        """
    )
    try:
        ran = subprocess.run(
            ["unshare", "-rm", sys.executable, "-c", code, archive, disk], capture_output=True, text=True, timeout=60
        )
    except FileNotFoundError:
        pytest.skip("no unshare: a small disk cannot be had here")
    if ran.returncode == 77 or "unshare" in ran.stderr:
        pytest.skip("a small disk cannot be had here")
    assert ran.returncode == 0, ran.stderr
    assert "the disk is full" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "[]"
