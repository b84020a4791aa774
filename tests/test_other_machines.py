"""Tests of the result on any processor: with one seed it has the checksums that were computed on another machine."""

import ast
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import digests
import pytest

from umap_sk import kernels

DIGITS = {
    "neighbors": "429d7865b048aa70573ad41e1f34decd6ad34da611cd89861e2f1c3cab08276a",
    "graph": "5dc86c809749cf5249cbce9a7d706055e4f6b5f428f1d3781ac5fd96b730df8b",
    "pca": "3c0e1ffd15b2350078ea0ecd4c461b83385a084d9439d4f8f39521a3e922c585",
    "pivot_mds": "0790a903b9feea617fffced8dddc621e6c76998985669f1e9dc1743077436207",
    "spectral": "af43479919c4e4280e7fee94250190b7b0331263080e8dace6e0f0d391d0058d",
    "three axes": "c9236847e11661169cce1b213d9369e443df66c8bceb8d3a7c772786a414f74a",
    "haversine": "66d846b88ee0dc9b5d18823b351e3ddedb1378b1c04cf3d1476ba2b2abee951a",
    "hyperboloid": "3a1ed6f37fd674c34f39ff8a38554ef3e0de3a60479858b489868d97c096b8ee",
    "features": "3cb6f0d2ae84703c5e313d340a908670346c7a7b18a2f789b44fd842b5259ab2",
    "new rows": "c64509531b54b017a7aa4190f65edf756a1d294de561cc5202528bab88a76450",
}
MADE = {
    "rows": "7f103eef866a91dfb66b806ad864aabeb4eacdd43da292062ccd2d277069f538",
    "inverted file": "9577ea74335e9a206ea5e5b3523a424962bea47796e841caf08621a146b3e823",
    "map": "bc8f3eb61e86a2ddf04b17e33be5e8e165dd3856f857fc2141ca1896a1db341d",
    "words": "db714a529e82daaa21f877789aecbfe201d7952e4d894b74505f3ec48f7b7bdd",
}


def test_digits():
    assert digests.of_digits() == DIGITS


def test_made_rows():
    assert digests.of_made() == MADE


OTHERS = {
    "BLAS of processors with AVX2": {"OPENBLAS_CORETYPE": "Haswell"},
    "BLAS of processors with SSE": {"OPENBLAS_CORETYPE": "Nehalem"},
    "numpy without AVX": {"NPY_DISABLE_CPU_FEATURES": "X86_V4,AVX512_ICL,X86_V3"},
    "C library without FMA": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"},
    "kernels for AVX2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""},
    "kernels for AVX-512": {"NUMBA_CPU_NAME": "skylake-avx512", "NUMBA_CPU_FEATURES": ""},
    "kernels for any processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
}


@pytest.mark.long
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the names are those of x86-64")
@pytest.mark.parametrize("environment", OTHERS.values(), ids=OTHERS)
def test_as_on_other_processors(environment):
    """The checksums are the same if the libraries or the compiler are set for another processor."""
    root = Path(__file__).parents[1]
    paths = os.pathsep.join([str(root), *sys.path])
    done = subprocess.run(
        [sys.executable, digests.__file__],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"digits": DIGITS, "made": MADE}


LIBRARY = {"exp", "expm1", "log", "log1p", "log2", "log10", "power", "pow", "hypot", "dot", "sin", "cos", "tan", "cbrt"}
LIBRARY |= {"sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arctan2", "arcsinh", "arccosh", "arctanh", "linalg"}


@pytest.mark.parametrize("file", sorted(Path(kernels.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_kernels_leave_nothing_to_libraries(file):
    """The kernels call no C library, no BLAS and no SVML, which numba uses if it is installed, and reorder nothing."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in LIBRARY, f"line {node.lineno}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            assert isinstance(node.right, (ast.Constant, ast.UnaryOp)), f"line {node.lineno}"
        assert not isinstance(getattr(node, "op", None), ast.MatMult), f"line {node.lineno}"
        assert not (isinstance(node, ast.keyword) and node.arg == "fastmath")
