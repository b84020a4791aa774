"""A function for AnnData with the arguments of scanpy's tl.umap.

pyproject.toml registers this module as a backend of scanpy, which looks for functions with its own names.
"""

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array

from umap_sk._typing import AnySparse
from umap_sk.compatible.translation import INIT_ALIASES
from umap_sk.compatible.umap import UMAP
from umap_sk.graph.scales import mean_distances
from umap_sk.interop.embedding import lay_out_graph
from umap_sk.interop.functions import find_ab_params
from umap_sk.layout.start import START_NAMES
from umap_sk.neighbors.read import read_neighbors
from umap_sk.neighbors.square import check_square
from umap_sk.pipeline.parameters import RandomState

INIT_NAMES = tuple(name for name in (*START_NAMES, *INIT_ALIASES) if name != "pca")  # there are no features

if TYPE_CHECKING:
    from anndata import AnnData


def umap(
    adata,
    *,
    min_dist=0.5,
    spread=1.0,
    n_components=2,
    maxiter=None,
    alpha=1.0,
    gamma=1.0,
    negative_sample_rate=5,
    init_pos="auto",
    random_state=0,
    a=None,
    b=None,
    method="umap",
    key_added=None,
    neighbors_key="neighbors",
    copy=False,
    dens_lambda=0.0,
    n_jobs=-1,
    verbose=False,
):
    """Lay out the graph that ``sc.pp.neighbors`` stores in AnnData, as ``sc.tl.umap`` does, but many times as fast.

    Parameters
    ----------
    adata : AnnData
        Data with a graph of neighbors: an entry of `uns` under `neighbors_key`, which names entries of `obsp`.
    min_dist : float, default=0.5
        Distance in the embedding below which points count as touching.
    spread : float, default=1.0
        Scale of the embedding.
    n_components : int, default=2
        Number of axes of the embedding.
    maxiter : int, default=None
        Number of epochs. None stands for 500 up to 10,000 cells, and 200 for more; 0 for the initial layout.
    alpha : float, default=1.0
        Factor of all steps.
    gamma : float, default=1.0
        Weight of each repulsion.
    negative_sample_rate : float, default=5
        Number of repulsions for each attraction.
    init_pos : str or array-like of shape (n_obs, n_components), default="auto"
        Initial layout: positions, a key of `obsm`, "paga" for the positions that ``sc.pl.paga`` has stored,
        "spectral", "random", or "pivot_mds". "auto" is "pivot_mds" if `obsp` contains distances, and "spectral"
        otherwise.
    random_state : int, RandomState, Generator or None, default=0
        The seed, or a generator that draws it.
    a, b : float, default=None
        Parameters of the curve. None for a fit to `min_dist` and `spread`.
    method : {"umap"}, default="umap"
        There is no other method.
    key_added : str, default=None
        Key for the results in `obsm` and `uns`, instead of "X_umap" and "umap".
    neighbors_key : str, default="neighbors"
        Key of the entry of `uns` that describes the graph.
    copy : bool, default=False
        Return a copy instead of writing to `adata`.
    dens_lambda : float, default=0.0
        Weight of the density of neighborhoods, as in densMAP, usually 2. It needs the distances.
    n_jobs : int, default=-1
        Number of threads, or -1 for all. The map does not depend on it.
    verbose : bool, default=False
        Show progress.

    Returns
    -------
    AnnData or None
        The copy, if `copy` is True. ``obsm["X_umap"]`` is the map, with NaN for cells without a neighbor.
        ``uns["umap"]["params"]`` contains `a`, `b`, and a `random_state` that is not 0.

    Raises
    ------
    KeyError
        If there is no graph under `neighbors_key`.
    ValueError
        If `dens_lambda` is above 0 and there are no distances, or if `method` is not "umap".

    Examples
    --------
    >>> import anndata
    >>> import numpy as np
    >>> import umap_sk
    >>> from umap_sk.interop.functions import fuzzy_simplicial_set
    >>> cells = anndata.AnnData(np.random.default_rng(0).normal(size=(200, 5)))
    >>> graph, _, _ = fuzzy_simplicial_set(cells.X, 15, None, "euclidean")  # sc.pp.neighbors(cells) does all of this
    >>> cells.obsp["connectivities"], cells.uns["neighbors"] = graph, {"connectivities_key": "connectivities"}
    >>> umap_sk.scanpy.umap(cells)
    >>> cells.obsm["X_umap"].shape
    (200, 2)
    """
    if method != "umap":
        raise ValueError(f"method={method!r}, but 'umap' is the only one here. Leave it out, or call sc.tl.umap.")
    if not hasattr(adata, "uns"):
        raise TypeError(f"An AnnData object is needed, but {type(adata).__name__} was passed.")
    adata = adata.copy() if copy else adata
    connectivities, distances = get_graphs(adata, neighbors_key or "neighbors")
    if a is None or b is None:
        if not 0 <= min_dist <= spread or spread == 0:
            raise ValueError(f"min_dist={min_dist} and spread={spread}, but 0 <= min_dist <= spread is needed.")
        a, b = find_ab_params(spread, min_dist)
    if distances is None and (dens_lambda > 0 or (isinstance(init_pos, str) and init_pos == "pivot_mds")):
        raise ValueError("dens_lambda and init_pos='pivot_mds' need distances, but adata.obsp has none of this graph.")
    init, lengths = get_init(adata, init_pos, neighbors_key, random_state), None
    if isinstance(init, str) and init in ("auto", "pivot_mds") and distances is not None:
        lengths = compute_lengths(distances)
    model = UMAP(
        n_components=n_components,
        n_epochs=maxiter,
        learning_rate=alpha,
        repulsion_strength=gamma,
        negative_sample_rate=negative_sample_rate,
        init=init,
        random_state=random_state,
        a=a,
        b=b,
        densmap=dens_lambda > 0,
        dens_lambda=dens_lambda,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    edge_distances = None if distances is None else distances.maximum(distances.T)
    positions, _ = lay_out_graph(model, None, connectivities, edge_distances, lengths)
    obsm, uns = ("X_umap", "umap") if key_added is None else (key_added, key_added)
    adata.obsm[obsm] = positions
    seed = {} if isinstance(random_state, int) and random_state == 0 else {"random_state": random_state}
    adata.uns[uns] = {"params": {"a": a, "b": b, **seed}}
    return adata if copy else None


def get_graphs(adata: "AnnData", neighbors_key: str) -> tuple[AnySparse, scipy.sparse.csr_array | None]:
    """Return the connectivities and the distances, or None, of the graph that an entry of uns describes."""
    if neighbors_key not in adata.uns:
        raise KeyError(f"adata.uns has no {neighbors_key!r}, so there is no graph of neighbors. Run sc.pp.neighbors.")
    entry = adata.uns[neighbors_key]
    key = entry.get("connectivities_key", "connectivities")
    if key not in adata.obsp:
        raise KeyError(f"adata.obsp has no {key!r}, which adata.uns[{neighbors_key!r}] names. Run sc.pp.neighbors.")
    connectivities = adata.obsp[key]
    key = entry.get("distances_key", "distances")
    distances = scipy.sparse.csr_array(adata.obsp[key]) if key in adata.obsp else None
    if distances is None or not distances.nnz:
        return connectivities, None
    check_square(distances)
    return connectivities, distances


def compute_lengths(distances: scipy.sparse.csr_array) -> np.ndarray:
    """Compute the mean distance from each cell to its neighbors."""
    longest = int(np.diff(distances.indptr).max(initial=0))
    neighbors, _ = read_neighbors(distances, n_neighbors=longest + 1)
    return mean_distances(neighbors)


def get_init(
    adata: "AnnData", init_pos: str | ArrayLike, neighbors_key: str, random_state: RandomState
) -> str | ArrayLike:
    """Return the initial layout: a name, or positions of the cells."""
    if isinstance(init_pos, str) and init_pos in adata.obsm:
        return check_array(adata.obsm[init_pos], dtype=np.float32)
    if isinstance(init_pos, str) and init_pos == "paga":
        from scanpy.tools._utils import get_init_pos_from_paga

        return get_init_pos_from_paga(adata, random_state=random_state, neighbors_key=neighbors_key)
    if isinstance(init_pos, str) and init_pos not in INIT_NAMES:
        names = ", ".join(map(repr, (*INIT_NAMES, "paga", *adata.obsm)))
        raise ValueError(f"init_pos={init_pos!r} is not known; use {names} or an array.")
    return init_pos
