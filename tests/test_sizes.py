"""Test of the length of files and functions of the package, which are short so that they are easy to read."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "umap_sk"
LONGEST_FILES = {PACKAGE / "estimator.py": 400}  # one class with all methods that scikit-learn's users expect
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 45
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef


def count_lines(node):
    """Return the number of lines of a definition without its docstrings."""
    lines = set(range(node.body[0].lineno, node.body[-1].end_lineno + 1)) if node.body else set()
    for inner in ast.walk(node):
        if isinstance(inner, DOCUMENTED) and ast.get_docstring(inner) is not None:
            lines -= set(range(inner.body[0].lineno, inner.body[0].end_lineno + 1))
    return len(lines)


def test_files_and_functions_are_short():
    """Files and functions do not exceed the limits in CONTRIBUTING. Docstrings do not count."""
    files = {path: ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
    assert not [path for path, tree in files.items() if count_lines(tree) >= LONGEST_FILES.get(path, MOST_LINES)]
    nodes = [node for tree in files.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [node.name for node in nodes if count_lines(node) >= MOST_LINES_OF_A_FUNCTION]
