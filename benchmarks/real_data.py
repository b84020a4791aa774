"""Features and labels of real data from scikit-learn, Debian's packages and Python's own library."""

import ast
import gzip
import subprocess
import sysconfig
from pathlib import Path

import numpy as np

FASHION = Path("/usr/share/datasets/fashion-mnist")
PATCH = 8  # pixels a side
FAINTEST = 20  # standard deviation of a patch's gray levels (0 to 255), so that there is something to see


def digits():
    """Return features and labels of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    features, labels = load_digits(return_X_y=True)
    return features.astype(np.float32), labels.astype(np.int32)


def fashion_images():
    """Return features and labels of Fashion-MNIST, the 60,000 training images first."""
    if not FASHION.exists():
        raise FileNotFoundError(f"Fashion-MNIST is not at {FASHION}: on Debian, apt-get install dataset-fashion-mnist")

    def read(part, header, width):
        raw = gzip.decompress((FASHION / f"{part}.gz").read_bytes())
        return np.frombuffer(raw, np.uint8, offset=header).reshape(-1, width)

    features = np.concatenate([read(f"{part}-images-idx3-ubyte", 16, 784) for part in ("train", "t10k")])
    labels = np.concatenate([read(f"{part}-labels-idx1-ubyte", 8, 1) for part in ("train", "t10k")])
    return features.astype(np.float32), labels[:, 0].astype(np.int32)


def patches(n):
    """Return 64-d random patches of Fashion-MNIST's images, each with the label of its image."""
    images, labels = fashion_images()
    rng = np.random.default_rng(0)
    windows = np.lib.stride_tricks.sliding_window_view(images.reshape(-1, 28, 28), (PATCH, PATCH), axis=(1, 2))
    drawn = rng.integers(0, windows.shape[:3], (4 * n, 3))
    features = windows[tuple(drawn.T)].reshape(4 * n, -1)
    seen = np.flatnonzero(features.std(1) >= FAINTEST)[:n]
    return features[seen], labels[drawn[seen, 0]]


def packages(n):
    """Return 100-d real text: descriptions of Debian's packages by TF-IDF, reduced by SVD to unit vectors.

    Labels are the sections of the archive. The lists of ``apt-get update`` are needed.
    """
    listed = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    section_of = {}
    for entry in listed.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in entry.splitlines() if line.startswith(("Desc", "Section: ")))
        if {"Description", "Section"} <= fields.keys():
            section_of.setdefault(fields["Description"], fields["Section"].split("/")[-1])
    if n > len(section_of):
        raise ValueError(f"packages has {len(section_of)} rows, not {n}: ask for fewer, or apt-get update")
    texts = np.array(sorted(section_of))[np.random.default_rng(0).permutation(len(section_of))[:n]]
    features = _reduced(texts, 100, min_df=5, stop_words="english")
    labels = np.unique([section_of[text] for text in texts], return_inverse=True)[1]
    return features, labels.astype(np.int32)


def functions(n):
    """Return 64-d real text of another kind: functions of Python's library, by sequences of three characters.

    Labels are the 40 modules with most functions; all others share a label.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    found = {}
    for path in sorted(folder.rglob("*.py")):
        if "site-packages" in path.parts:
            continue
        try:
            text = path.read_text(encoding="utf-8")
            nodes = ast.walk(ast.parse(text))
        except (SyntaxError, ValueError):
            continue
        lines = text.splitlines()
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno > 2:
                body = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                found.setdefault(body, path.relative_to(folder).parts[0])
    if n > len(found):
        raise ValueError(f"functions has {len(found)} rows, not {n}: ask for fewer")
    texts = np.array(sorted(found))[np.random.default_rng(0).permutation(len(found))[:n]]
    modules, labels = np.unique([found[text] for text in texts], return_inverse=True)
    rank = np.empty(len(modules), int)
    rank[np.argsort(-np.bincount(labels), kind="stable")] = np.arange(len(modules))
    features = _reduced(texts, 64, analyzer="char", ngram_range=(3, 3), min_df=20)
    return features, np.minimum(rank[labels], 40).astype(np.int32)


def _reduced(texts, dimensions, **options):
    """Return the TF-IDF of texts, reduced by SVD to unit vectors."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(sublinear_tf=True, **options).fit_transform(texts)
    features = TruncatedSVD(dimensions, random_state=0).fit_transform(weights).astype(np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
