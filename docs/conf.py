"""The documentation site: `make docs` builds it into docs/_build/html."""

import shutil
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from sphinx_gallery.scrapers import figure_rst  # noqa: E402

from umap_sk import __version__  # noqa: E402

project = "umap-sk"
author = "The umap-sk developers"
copyright = "2026, the umap-sk developers"
release = version = __version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py", "gallery/*.md5", "gallery/*.zip", "gallery/*.json"]
suppress_warnings = ["config.cache"]  # the gallery's order is a function, which is not pickled
nitpicky = True

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True


def inventory(name: str) -> str:
    """Path of an inventory of what these pages link to, for builds without a network."""
    lines = (HERE / "inventories" / f"{name}.txt").read_text().splitlines()
    path = HERE / "_build" / "inventories" / f"{name}.inv"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n# The rest is compressed using zlib.\n"
    path.write_bytes(head.encode() + zlib.compress("".join(f"{line}\n" for line in lines).encode()))
    return str(path)


intersphinx_timeout = 10
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", (None, inventory("python"))),
    "numpy": ("https://numpy.org/doc/stable", (None, inventory("numpy"))),
    "scipy": ("https://docs.scipy.org/doc/scipy", (None, inventory("scipy"))),
    "sklearn": ("https://scikit-learn.org/stable", (None, inventory("sklearn"))),
}


def films(block, names, settings):
    """Image scraper of the gallery: the films that a program has written beside itself."""
    found = sorted(Path(names["src_file"]).parent.glob("*.gif"))
    shown = [Path(path).with_suffix(".gif") for _, path in zip(found, names["image_path_iterator"], strict=False)]
    for film, place in zip(found, shown, strict=True):
        shutil.move(film, place)
    return figure_rst([str(path) for path in shown], settings["src_dir"])


sphinx_gallery_conf = {
    "examples_dirs": ["../examples/gallery"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": "/plot_",
    "image_scrapers": ("matplotlib", films),
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "min_reported_time": 5,
    "doc_module": ("umap_sk",),
    "backreferences_dir": "reference/backreferences",
    "reference_url": {"umap_sk": None},
    "show_memory": False,
    "default_thumb_file": str(HERE / "pictures" / "digits_display.png"),
}

html_theme = "pydata_sphinx_theme"
html_title = f"umap-sk {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "umap-sk"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "icon_links": [
        {
            "name": "Source",
            "url": "https://github.com/umap-sk/umap-sk",
            "icon": "fa-brands fa-github",
            "type": "fontawesome",
        }
    ],
}
html_sidebars = {"index": [], "getting_started": [], "which_tool": []}


LINKS = {"](docs/": "](", "](../CONTRIBUTING.md": "](contributing.md", "](../CHANGELOG.md": "](changes.md"}
LINKS |= {"](CONTRIBUTING.md": "](contributing.md", "](CHANGELOG.md": "](changes.md"}


def site_links(app, name, *arguments):
    """Links between pages as they are in the repository, turned into those of the site, in place."""
    content = arguments[-1]
    for there, here in LINKS.items():
        content[0] = content[0].replace(there, here)


def setup(app):
    """Connect the events."""
    app.connect("source-read", site_links)
    app.connect("include-read", site_links)
