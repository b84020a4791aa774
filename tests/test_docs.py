"""Every Python block of the README and of docs/ runs, top to bottom of a page, and prints what the page says."""

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
    """Blocks with prompts are doctests, blocks without are run as they stand."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "umap"]:
        monkeypatch.delitem(sys.modules, name)  # the page of clients takes its place, which other tests have taken
    text = page.read_text()
    names = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        if ">>> " in block[1]:
            names = _check(block[1], names, page, line)
        else:
            exec(compile("\n" * line + block[1], str(page), "exec"), names)


def _check(source, names, page, line):
    """Run a block with prompts; returns the names that it leaves behind."""
    test = doctest.DocTestParser().get_doctest(source, names, page.name, str(page), line)
    differences = []
    failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=differences.append, clear_globs=False).failed
    assert not failed, "".join(differences)
    return test.globs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Links to files of the repository name files that exist."""
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_troubleshooting_quotes_messages():
    """What the page says that errors speak of is in the code, so that a search for a message finds its line."""
    code = "".join(path.read_text() for path in (ROOT / "umap_sk").rglob("*.py"))
    code = re.sub(r'"\s+f?"', "", code)  # a message that goes over two lines
    rows = re.findall(r"^\| (`.*?) \| ", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
    quoted = [phrase for row in rows for phrase in re.findall("`(.*?)`", row)]
    assert len(quoted) > 10 and not [phrase for phrase in quoted if phrase not in code]


def test_versions_of_the_site():
    """The list of versions names this one, by which the site says which of them a reader looks at."""
    listed = json.loads((ROOT / "docs" / "_static" / "switcher.json").read_text())
    assert [entry["url"] for entry in listed if entry["version"] == __version__] == [""]  # stay where you are


def test_gallery_names_every_program():
    """The order of the gallery in docs/conf.py has each of its programs once."""
    order = re.search(r"IN_ORDER = \((.*?)\)", (ROOT / "docs" / "conf.py").read_text(), re.DOTALL)[1]
    programs = {path.stem.removeprefix("plot_") for path in (ROOT / "examples" / "gallery").glob("plot_*.py")}
    assert sorted(re.findall(r"\w+", order)) == sorted(programs)


def test_nobody_is_sent_to_an_index_for_it():
    """Until it is published, no page and no message names it to pip but by its place."""
    pages = "\n".join(page.read_text() for page in (*PAGES, *(ROOT / "umap_sk").rglob("*.py")))
    assert not re.findall(r"pip\s+install\s+(?:-U\s+)?[\"']?umap[-_]sk", pages)
    assert "not published yet" in (ROOT / "README.md").read_text() and 'pip install ".[all]"' in pages
