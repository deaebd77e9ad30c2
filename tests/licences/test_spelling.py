"""Licences as people write them: every usual spelling gives its SPDX id, and nothing else is taken for free."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth import licences

FULL = {
    "by": "Attribution",
    "by-sa": "Attribution-ShareAlike",
    "by-nc": "Attribution-NonCommercial",
    "by-nd": "Attribution-NoDerivatives",
    "by-nc-sa": "Attribution-NonCommercial-ShareAlike",
    "by-nc-nd": "Attribution-NonCommercial-NoDerivatives",
}
WAYS = (
    "CC-{upper}-{version}",
    "cc-{lower}-{version}",
    "CC {upper} {version}",
    "cc {lower} {version}",
    "CC_{under}_{version}",
    "CC {upper} {version} International",
    "Creative Commons {upper} {version}",
    "Creative Commons {full} {version} International",
    "Creative Commons {full} {version} International (CC {upper} {version})",
    "Creative Commons {full} {version} International Public License",
    "{full} {version}",
    "{full} {version} Unported",
    "http://creativecommons.org/licenses/{lower}/{version}/",
    "https://creativecommons.org/licenses/{lower}/{version}",
    "HTTPS://WWW.CreativeCommons.org/licenses/{upper}/{version}/",
    "https://creativecommons.org/licenses/{lower}/{version}/deed.en",
    "https://creativecommons.org/licenses/{lower}/{version}/deed.zh-hans",
    "https://creativecommons.org/licenses/{lower}/{version}/legalcode",
    "creativecommons.org/licenses/{lower}/{version}/",
    "<https://creativecommons.org/licenses/{lower}/{version}/>",
    "CC {upper} {version} (https://creativecommons.org/licenses/{lower}/{version}/)",
    "  'CC {upper} {version}'. ",
    "CC\u2011{upper}\u2011{version}",
)
OTHERS = {
    "CC0-1.0": (
        "CC0", "cc0", "CC0 1.0", "CC0-1.0", "cc0-1.0", "CC-0", "CC Zero", "Creative Commons Zero v1.0 Universal", "Creative Commons 0",
        "CC0 1.0 Universal", "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "http://creativecommons.org/publicdomain/zero/1.0/",
        "https://creativecommons.org/publicdomain/zero/1.0/deed.en", "creativecommons.org/publicdomain/zero/1.0/legalcode",
    ),
    "CC-PDM-1.0": ("public domain", "Public Domain", "Public Domain Mark 1.0", "PDM 1.0", "https://creativecommons.org/publicdomain/mark/1.0/"),
    "ODbL-1.0": ("ODbL", "odbl-1.0", "ODbL v1.0", "Open Data Commons Open Database License (ODbL) v1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "ODC-By-1.0": ("ODC-BY", "ODC-By-1.0", "odc-by v1.0", "https://opendatacommons.org/licenses/by/1-0/"),
    "PDDL-1.0": ("PDDL", "pddl-1.0", "https://opendatacommons.org/licenses/pddl/"),
    "MIT": ("MIT", "mit", "MIT License", "The MIT Licence", "https://opensource.org/licenses/MIT", "https://spdx.org/licenses/MIT.html"),
    "Apache-2.0": ("Apache 2.0", "apache-2.0", "Apache License, Version 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    "BSD-3-Clause": ("BSD-3-Clause", "bsd 3-clause", "BSD 3-Clause License"),
    "CC-BY-SA-3.0-DE": ("CC BY-SA 3.0 DE", "cc-by-sa-3.0-de", "https://creativecommons.org/licenses/by-sa/3.0/de/"),
    "CC-BY-NC-SA-3.0-IGO": ("CC BY-NC-SA 3.0 IGO", "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/"),
    "CC-BY-SA-3.0": ("CC BY-SA 3.0 FR", "Creative Commons Attribution-Share Alike 3.0 Unported"),
    "CC-BY-NC-3.0": ("http://creativecommons.org/licenses/by-nc/3.0/", "CC BY-NC https://creativecommons.org/licenses/by-nc/3.0/"),
    "CC-BY-3.0": ("Creative Commons Attribution license (reuse allowed)",),
    "LicenseRef-YouTube": ("YouTube", "Standard YouTube License", "LicenseRef-YouTube"),
    "CC-BY-4.0 OR MIT": ("CC-BY-4.0 OR MIT", "cc-by-4.0 or mit", "CC BY 4.0 or MIT License"),
    "CC-BY-4.0 AND CC-BY-NC-4.0": ("CC BY 4.0 AND CC BY-NC 4.0", "(cc-by-4.0) and (cc-by-nc-4.0)"),
    "(CC-BY-4.0 OR MIT) AND CC-BY-NC-4.0": ("(CC BY 4.0 OR MIT) AND https://creativecommons.org/licenses/by-nc/4.0/",),
}  # fmt: skip
NO_LICENCE = (
    "", " ", "-", "?", "nan", "NA", "none", "unknown", "ask Bob", "not CC0", "non-CC0", "no CC BY", "CC BY for students", "CC0 for academics only",
    "free", "free for research", "research only", "Creative Commons", "CC", "by", "CC-NC", "CC BY-SA-ND 4.0", "CC BY 5.0", "CC BY 4.0 no",
    "CC BY 4.0 and whatever", "CC0 or ask", "CC BY 4.0, CC BY-NC 4.0", "CC BY 4.0 https://creativecommons.org/licenses/by-nc/4.0/",
    "https://example.org/licenses/by/4.0/", "notcreativecommons.org/licenses/by/4.0/", "https://example.org/?to=creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org/licenses/sampling+/1.0/", "Sampling+", "CC-BY-4.0 WITH a-smile", "CC BY 4.0 CC BY-NC 4.0", "公有领域",
    "CC BY 3.0 4.0", "MIT-ish", "public domain except voices",
)  # fmt: skip


@pytest.mark.parametrize("family", FULL)
@pytest.mark.parametrize("version", ["2.0", "3.0", "4.0"])
def test_every_spelling_of_creative_commons_gives_its_id(family, version):
    wanted = f"CC-{family.upper()}-{version}"
    values = {
        "upper": family.upper(),
        "lower": family,
        "under": family.replace("-", "_"),
        "full": FULL[family],
        "version": version,
    }
    read = {way: licences.normalised(way.format(**values)) for way in WAYS}
    assert {way: found for way, found in read.items() if found != (wanted, True)} == {}


@pytest.mark.parametrize("wanted", OTHERS)
def test_other_licences_and_expressions_are_read(wanted):
    assert {text: found for text in OTHERS[wanted] if (found := licences.normalised(text)) != (wanted, True)} == {}


@pytest.mark.parametrize("family", FULL)
def test_a_name_without_a_version_is_read_as_the_strictest_and_said(family):
    for text in (f"CC {family.upper()}", f"cc-{family}", f"Creative Commons {FULL[family]}", FULL[family]):
        found = licences.read(text)
        assert (found.licence, found.known) == (f"CC-{family.upper()}-4.0", True)
        assert "no version is stated" in found.assumed
        accepted = [
            v
            for v in ("2.0", "3.0", "4.0")
            if licences.combined([found.licence, f"CC-{family.upper()}-{v}"]).licence == found.licence
        ]
        assert accepted == ([] if "nd" in family else ["2.0", "3.0", "4.0"])  # whatever it was, the result fits it


@pytest.mark.parametrize("text", [*NO_LICENCE, None])
def test_what_cannot_be_read_is_unknown_and_not_free(text):
    licence, known = licences.normalised(text)
    assert (licence, known) == ("LicenseRef-unknown", False)
    assert not licences.combined([licence]).shareable


@given(
    st.text(max_size=30)
    | st.lists(
        st.sampled_from(["not", "CC", "BY", "NC", "0", "4.0", "no", "for", "or", "and", "(", ")"]), max_size=8
    ).map(" ".join)
)
def test_no_text_is_free_unless_it_names_a_free_licence(text):
    licence, known = licences.normalised(text)
    if not known:
        assert not licences.combined([licence]).shareable
    elif "not" in text or "for" in text.split():
        raise AssertionError(f"{text!r} was read as {licence}")
    assert licences.normalised(licence) == (licence, known)  # what was read is read again as itself


def test_an_id_of_ones_own_is_kept_and_not_known():
    assert licences.normalised("LicenseRef-my-lab") == ("LicenseRef-my-lab", False)
    assert licences.combined(["LicenseRef-my-lab", "CC0-1.0"]).licence == "LicenseRef-my-lab"
    assert not licences.combined(["LicenseRef-my-lab", "CC0-1.0"]).shareable


def test_the_library_of_spdx_ids_is_not_loaded_by_an_import():
    code = "import synth.licences, sys; sys.exit('license_expression' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
