"""Tests of the pages: every Python block runs and prints what the page says, and links and names are right."""

import doctest
import json
import re
import sys
from pathlib import Path

import pytest

from umap_sk import __version__

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_run(page, tmp_path, monkeypatch):
    """Blocks with prompts pass as doctests, and the other ones run as they are."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "umap"]:
        monkeypatch.delitem(sys.modules, name)  # the page of clients replaces umap, which other tests import
    text = page.read_text()
    names = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        if ">>> " in block[1]:
            names = _check(block[1], names, page, line)
        else:
            exec(compile("\n" * line + block[1], str(page), "exec"), names)


def _check(source, names, page, line):
    """Run a block with prompts and return the names that it defines."""
    test = doctest.DocTestParser().get_doctest(source, names, page.name, str(page), line)
    differences = []
    failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=differences.append, clear_globs=False).failed
    assert not failed, "".join(differences)
    return test.globs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Links to files of the repository name existing files."""
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_troubleshooting_quotes_messages():
    """The messages that the page quotes are in the code, so that a search for a message finds its line."""
    code = "".join(path.read_text() for path in (ROOT / "umap_sk").rglob("*.py"))
    code = re.sub(r'"\s+f?"', "", code)  # joins a message of two lines
    rows = re.findall(r"^\| (`.*?) \| ", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
    quoted = [phrase for row in rows for phrase in re.findall("`(.*?)`", row)]
    assert len(quoted) > 10 and not [phrase for phrase in quoted if phrase not in code]


def test_versions_of_the_site():
    """The list of versions contains this one, which is how the site identifies the version that a reader sees."""
    listed = json.loads((ROOT / "docs" / "_static" / "switcher.json").read_text())
    assert [entry["url"] for entry in listed if entry["version"] == __version__] == [""]  # the current page


def test_gallery_names_every_program():
    """The order of the gallery in docs/conf.py contains each of its programs once."""
    order = re.search(r"IN_ORDER = \((.*?)\)", (ROOT / "docs" / "conf.py").read_text(), re.DOTALL)[1]
    programs = {path.stem.removeprefix("plot_") for path in (ROOT / "examples" / "gallery").glob("plot_*.py")}
    assert sorted(re.findall(r"\w+", order)) == sorted(programs)


def test_nobody_is_sent_to_an_index_for_it():
    """As long as the package is not published, no page or message tells pip to install it by name."""
    pages = "\n".join(page.read_text() for page in (*PAGES, *(ROOT / "umap_sk").rglob("*.py")))
    assert not re.findall(r"pip\s+install\s+(?:-U\s+)?[\"']?umap[-_]sk", pages)
    assert "not published yet" in (ROOT / "README.md").read_text() and 'pip install ".[all]"' in pages
