"""The documentation site: `make docs` builds it into docs/_build/html."""

import shutil
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from PIL import Image  # noqa: E402
from sphinx_gallery.scrapers import figure_rst  # noqa: E402
from sphinx_gallery.utils import scale_image  # noqa: E402

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
toc_object_entries_show_parents = "hide"
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


IN_ORDER = (
    "million fashion_mnist globe single_cell text digits interactive supervised new_rows density inverse min_dist "
    "stepping diagnostics grid_search search_libraries resume"
).split()
"""The programs of the gallery, those that show most first."""

PANELS = {
    "globe": (0, 3),
    "supervised": (2, 3),
    "new_rows": (0, 2),
    "density": (1, 2),
    "inverse": (1, 2),
    "min_dist": (1, 4),
    "stepping": (3, 4),
    "diagnostics": (0, 3),
    "search_libraries": (1, 5),
}
"""Which panel of a program's first figure is its thumbnail, and how many the figure has."""


class InOrder:
    """Place of a file in the gallery."""

    def __init__(self, folder):
        pass

    def __call__(self, file):
        return IN_ORDER.index(Path(file).stem.removeprefix("plot_"))


def cut_thumbnails(app):
    """Cut thumbnails that show one panel, since several are too small to be seen."""
    images = HERE / "gallery" / "images"
    for name, (panel, count) in PANELS.items():
        figure = Image.open(images / f"sphx_glr_plot_{name}_001.png")
        width, cut = figure.width / count, images / "panel.png"
        figure.crop((round(panel * width), 0, round((panel + 1) * width), figure.height)).save(cut)
        scale_image(cut, images / "thumb" / f"sphx_glr_plot_{name}_thumb.png", 400, 280)
        cut.unlink()


def films(block, names, settings):
    """Image scraper of the gallery: the films that a program has written beside itself, by its own name."""
    program = Path(names["src_file"])
    found = sorted(program.parent.glob(f"{program.stem.removeprefix('plot_')}*.gif"))
    shown = [Path(path).with_suffix(".gif") for _, path in zip(found, names["image_path_iterator"], strict=False)]
    for film, place in zip(found, shown, strict=True):
        shutil.move(film, place)
    return figure_rst([str(path) for path in shown], settings["src_dir"])


sphinx_gallery_conf = {
    "examples_dirs": ["../examples/gallery"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": "/plot_",
    "image_scrapers": ("matplotlib", films),
    "within_subsection_order": InOrder,
    "parallel": True,  # as many at once as sphinx -j says
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "min_reported_time": 5,
    "doc_module": ("umap_sk",),
    "backreferences_dir": "reference/backreferences",
    "show_memory": False,
    "default_thumb_file": str(HERE / "pictures" / "digits_display.png"),
}

html_theme = "pydata_sphinx_theme"
html_title = f"umap-sk {version}"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "umap-sk", "image_light": "_static/logo-light.svg", "image_dark": "_static/logo-dark.svg"},
    "switcher": {"json_url": "_static/switcher.json", "version_match": version},
    "navbar_end": ["version-switcher", "theme-switcher"],
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
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
    app.connect("builder-inited", cut_thumbnails, priority=900)
    app.connect("source-read", site_links)
    app.connect("include-read", site_links)
