"""One seed, one result, whatever the processor: checksums that were computed on another machine."""

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
    "pivot_mds": "fc8716d3044549b223855a63b2bf7501b9c22bec9a35e89cd00b6f60eaae6b40",
    "spectral": "3de1c44866693dcb23c58aaba3b5714eb864947c5ad5f1518582713087d29154",
    "three axes": "5602dbdc188aa215ae7837f0e39ee4d90c17cd933ef314fd1c5d465db8bd43c5",
    "haversine": "f0ccc647a8b07ad4bc842e2100084648768774837c47a03c8791bfcd2fba5988",
    "hyperboloid": "daf33cdd8b7903ec05e37748acccd6f1ddda63405eddc3dbb30b65cc362bab0b",
    "features": "1c1b98bd80a0e9bfbddf9b85a00c782586c0fd5bf11bafd5cd853c9a2225621b",
    "new rows": "63a2a6a48ca5931c84f47d73fa2fb83f83be3c321f1237b1aeb2ec2bd0b972e0",
}
MADE = {
    "rows": "7f103eef866a91dfb66b806ad864aabeb4eacdd43da292062ccd2d277069f538",
    "inverted file": "9577ea74335e9a206ea5e5b3523a424962bea47796e841caf08621a146b3e823",
    "map": "711cae04425cd7e15da325fb8d4813b8115805e72d26a9853ce9d97d58cef809",
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
    """In a process whose libraries, or whose compiler, are made to take this one for another processor."""
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
    """Neither a C library nor Intel's SVML, which numba calls where it is installed, nor BLAS; nothing is reordered."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in LIBRARY, f"line {node.lineno}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            assert isinstance(node.right, (ast.Constant, ast.UnaryOp)), f"line {node.lineno}"
        assert not isinstance(getattr(node, "op", None), ast.MatMult), f"line {node.lineno}"
        assert not (isinstance(node, ast.keyword) and node.arg == "fastmath")
