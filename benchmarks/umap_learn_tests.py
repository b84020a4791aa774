"""umap-learn's own tests of its classes and functions, run with this package and with umap-learn itself.

    git clone --depth 1 --branch release-0.5.12 https://github.com/lmcinnes/umap
    python -m benchmarks.umap_learn_tests umap

PATH is a checkout of umap-learn, because its source distributions on PyPI contain no tests. Tests that fail with
umap-learn itself, and files that test its internals, are left out. Bar: every other test passes, or differs on purpose
(`DIFFERENT`), as docs/coming_from_umap_learn.md explains.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
REPLACED = "UMAP_SK_IN_PLACE_OF_UMAP_LEARN"
OF_THE_CLASS = (
    "aligned_umap composite_models data_input densmap plot umap_get_feature_names_out umap_nn umap_on_iris umap_ops "
    "umap_repeated_data umap_trustworthiness umap_validation_params"
).split()
"""Files that test the replaced names. Others test distances, gradients, spectral layouts and ParametricUMAP."""

DIFFERENT = {
    "test_densmap_trustworthiness_on_iris": "new rows are placed in maps that keep density, too",
    "test_umap_inverse_transform_fails_expectedly": "rows come back from sparse features and any metric",
    "test_precomputed_knn_on_iris": "new rows are searched without an index too",
}
"""Tests that differ on purpose, and the difference."""


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(args: Any) -> None:
    """Replace umap-learn's names by those of this package before its conftest.py is read, if requested."""
    if os.environ.get(REPLACED):
        import umap
        import umap.umap_

        from umap_sk.interop import functions

        for name in functions.__all__:
            setattr(umap.umap_, name, getattr(functions, name))
        umap.UMAP, umap.AlignedUMAP = functions.UMAP, functions.AlignedUMAP


def outcomes(checkout: Path, *, replaced: bool) -> dict[str, str]:
    """Return the outcome of each test: passed, skipped, or the first line of its failure."""
    files = [path for name in OF_THE_CLASS if (path := checkout / "umap" / "tests" / f"test_{name}.py").exists()]
    if not files:
        raise SystemExit(f"{checkout} has no umap/tests: give a checkout of umap-learn, with its package umap.")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        paths = os.pathsep.join(map(str, (checkout, ROOT)))
        environment = os.environ | {"PYTHONPATH": paths, REPLACED: "1" if replaced else "", "MPLBACKEND": "agg"}
        options = ["-q", "--tb=no", "-p", "benchmarks.umap_learn_tests", "-p", "no:cacheprovider", "-o", "addopts="]
        command = [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", *map(str, files)]
        subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL, check=False)
        cases = ElementTree.parse(report).getroot().iter("testcase")
        return {f"{case.get('classname', '').split('.')[-1]}::{case.get('name')}": ended(case) for case in cases}


def ended(case: ElementTree.Element) -> str:
    """Return the outcome of a test."""
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            return (found.get("message") or kind).splitlines()[0][:160]
    return "passed" if case.find("skipped") is None else "skipped"


def reason(test: str) -> str | None:
    """Return why a test differs on purpose, or None."""
    return DIFFERENT.get(test.split("::")[1].split("[")[0])


def main() -> None:
    """Run both packages, print differences and counts, and fail if a test differs that is not in `DIFFERENT`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="a checkout of umap-learn")
    checkout = parser.parse_args().path.resolve()
    theirs, ours = outcomes(checkout, replaced=False), outcomes(checkout, replaced=True)
    counted = {test: end for test, end in ours.items() if theirs.get(test) == "passed"}
    failed = {test: end for test, end in counted.items() if end != "passed"}
    meant = {test: why for test in failed if (why := reason(test))}
    for test, why in meant.items():
        print(f"differs  {test}: {why}")
    for test in failed.keys() - meant.keys():
        print(f"FAILS    {test}: {failed[test]}")
    left_out = sum(end not in ("passed", "skipped") for end in theirs.values())
    print(f"{len(counted)} tests pass with umap-learn, {left_out} fail with it and are left out; with umap_sk")
    print(f"{len(counted) - len(failed)} pass, {len(meant)} differ on purpose, {len(failed) - len(meant)} fail")
    sys.exit(len(failed) > len(meant))


if __name__ == "__main__":
    main()
