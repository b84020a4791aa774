"""
Texts, by TF-IDF and a singular value decomposition
===================================================

What functions and classes of numpy, scipy, scikit-learn and pandas say of themselves: some thousands of texts, which
everybody who runs this has. Words are weighed by TF-IDF, 50 singular vectors kept, and neighbors found by cosine.
"""

import importlib
import inspect
import pkgutil
import warnings

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from umap_sk import EmbeddingDisplay, PrecomputedUMAP


def docstrings(package):
    """What is said of each public function and class of a package's public modules."""
    modules = [importlib.import_module(package)]
    for found in pkgutil.walk_packages(modules[0].__path__, f"{package}.", onerror=lambda name: None):
        if not any(part.startswith("_") or part in ("tests", "conftest", "setup") for part in found.name.split(".")):
            try:
                modules.append(importlib.import_module(found.name))
            except (ImportError, AttributeError, RuntimeError):  # what needs another library
                continue
    things = (thing for module in modules for name, thing in vars(module).items() if not name.startswith("_"))
    said = {inspect.getdoc(thing) for thing in things if inspect.isroutine(thing) or inspect.isclass(thing)}
    by_first_line = {text.split("\n")[0]: text for text in sorted(filter(None, said)) if len(text) > 300}
    return list(by_first_line.values())


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of modules that are deprecated
    texts = {package: docstrings(package) for package in ("numpy", "scipy", "sklearn", "pandas")}
labels = [package for package, found in texts.items() for _ in found]
corpus = [text for found in texts.values() for text in found]
print({package: len(found) for package, found in texts.items()})

# %%
# One pipeline from texts to a map: with ``metric="cosine"`` the estimator searches the neighbors itself.

pipeline = make_pipeline(
    TfidfVectorizer(stop_words="english", min_df=3, sublinear_tf=True),
    TruncatedSVD(50, random_state=0),
    PrecomputedUMAP(n_neighbors=30, metric="cosine", random_state=0),
)
pipeline.fit(corpus)
EmbeddingDisplay.from_estimator(pipeline, labels=labels, title=f"{len(corpus):,} docstrings")
