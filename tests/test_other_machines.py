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

DIGITS = {}
MADE = {}


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
