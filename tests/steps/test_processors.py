"""The same bytes whatever the processor can do: plan and data with and without its wide instructions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

MAKE = textwrap.dedent(
    """
    import json, sys
    from hashlib import sha256
    from pathlib import Path
    import numpy as np
    from numpy._core._multiarray_umath import __cpu_features__ as features
    import synth
    from synth import demo

    out = Path(sys.argv[1])
    sources = synth.index([demo.folder()], rate=8000).table
    table = synth.split(sources, speakers="1-3").table
    from synth.store import parquet
    parquet.write(table, out / "sources.parquet")
    for name, options in (
        ("full", {}), ("overlap", {"overlap": "0:0.8", "min_active": 0.2}), ("loud", {"level_dbfs": "-9:-6"})
    ):
        synth.plan(table, out=out / f"{name}.parquet", rate=8000, clips="120/20/20", **options)
        synth.render(out / f"{name}.parquet", out=out / name, jobs=1)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    x = np.random.default_rng(0).random(4001)
    print(json.dumps({
        "files": {str(path.relative_to(out)): sha256(path.read_bytes()).hexdigest() for path in files},
        "features": sorted(name for name, there in features.items() if there),
        "log10": sha256(np.log10(x).tobytes() + np.exp(x).tobytes()).hexdigest(),
        "dot": sha256((x[:4000].reshape(40, 100) @ x[1:].reshape(100, 40)).tobytes()).hexdigest(),
    }))
    """
)


def made(tmp_path, **env: str) -> dict[str, object]:
    out = tmp_path / "out"
    out.mkdir()
    variables = {**os.environ, "SYNTH_CACHE_DIR": str(tmp_path / "cache"), **env}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MAKE, out], env=variables, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    found = made(tmp_path_factory.mktemp("reference"))
    assert len(found["files"]) > 20
    return found


def wide() -> list[str]:
    """Return what numpy would use beyond its baseline, and can be told not to."""
    try:
        from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched
        from numpy._core._multiarray_umath import __cpu_features__ as features
    except ImportError:
        return []
    return [name for name in dispatched if features.get(name)]


@pytest.mark.parametrize("kept", [0, 1])
def test_without_wide_instructions_every_byte_is_the_same(tmp_path, reference, kept):
    off = wide()[kept:]
    if not off:
        pytest.skip("this numpy has nothing here that could be disabled")
    found = made(tmp_path, NPY_DISABLE_CPU_FEATURES=" ".join(off))
    if set(off) & set(found["features"]):
        pytest.skip(f"numpy did not disable {', '.join(off)}")
    assert found["files"] == reference["files"]


def test_that_the_instructions_were_worth_disabling(tmp_path, reference):
    """What numpy's logarithms give does differ, or the test above would show nothing."""
    off = wide()
    if not off:
        pytest.skip("this numpy has nothing here that could be disabled")
    found = made(tmp_path, NPY_DISABLE_CPU_FEATURES=" ".join(off))
    if found["log10"] == reference["log10"]:
        pytest.skip("logarithms are the same with and without on this processor")
    assert found["files"] == reference["files"]


@pytest.mark.parametrize("core", ["Prescott", "Nehalem", "Haswell", "SkylakeX"])
def test_the_kernels_of_the_linear_algebra_do_not_show(tmp_path, reference, core):
    found = made(tmp_path, OPENBLAS_CORETYPE=core, OPENBLAS_NUM_THREADS="1")
    assert found["files"] == reference["files"]


def test_threads_locale_and_time_zone_do_not_show(tmp_path, reference):
    env = {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "OMP_NUM_THREADS": "2",
        "PYTHONOPTIMIZE": "1",
    }
    assert made(tmp_path, **env)["files"] == reference["files"]
