"""The memory behind a plan: bytes of the arrays that exist at each phase's peak."""

from umap_sk.graph.fuzzy_union import MOST_PARTS
from umap_sk.layout.coarsen import EDGES_AT_ONCE, needs_coarser
from umap_sk.layout.repulsion import MOST_CELLS
from umap_sk.neighbors import formats
from umap_sk.planning.search import search_memory
from umap_sk.planning.sizes import Sizes

USUAL_CELLS = 256  # along a side of the grid; a map of very many separate clusters may need MOST_CELLS
MERGED = 6  # vertices of a level for each of the next: fewer than usual, for room enough
WITH_WEAK = 1.4  # edges between groups for each that a level keeps
FILLED = 1.04  # room in slices for each edge


def memory_by_phase(sizes: Sizes, threads: int) -> dict[str, int]:
    """Bytes of the arrays that exist at each phase's peak."""
    n, d = sizes.n, sizes.n_components
    directed = (0 if sizes.on_disk else 8 * sizes.kept) + 8 * n  # indices and distances; where the rows begin
    graph = 0 if sizes.on_disk or not sizes.listed else 8 * sizes.edges + 8 * n
    memory = {}
    if sizes.listed:
        # Two blocks of int64 indices and float64 distances: one is read while the last is released.
        memory["neighbors"] = directed + 16 * min(2 * formats.BLOCK_ENTRIES, n * sizes.listed)
        scales = 16 * n  # rho and sigma, float64
        counts = (4 + 4 * min(threads, MOST_PARTS)) * n  # edges of every row, and by part those that it receives
        union = counts + 8 * n + (0 if sizes.on_disk else 8 * sizes.edges)
        memory["graph"] = directed + (max(scales, union) if sizes.symmetrize else scales)
        memory["graph"] += radii_memory(sizes) + targets_memory(sizes)
    # A start, what smoothing and scaling make of it, and its means on coarser levels; or what the solver takes.
    making = 70 * level_sizes(sizes)[-1][1] if sizes.start in ("pivot_mds", "spectral") else 24 * d * n
    gone = given_up(sizes)
    memory["start"] = graph + max(levels_memory(sizes), arranged_memory(sizes) + making - gone)
    # Positions and moments, before and after an epoch; the embedding.
    field = field_memory(sizes) if has_field(sizes) else 0
    field = max(field, (20 + 4 * d) * n) if sizes.dens_lambda else field  # radii in the map, and what they come to
    # On the way down, levels that were left release their slices.
    left = slices_of(coarse_edges(sizes, n, sizes.edges)) if has_levels(sizes) else 0
    arranged = arranged_memory(sizes)
    memory["layout"] = graph - gone + max(arranged, arranged - left + 2 * state_memory(sizes) + 4 * d * n + field)
    for phase in ("start", "layout") if sizes.dens_lambda else ():
        memory[phase] += 8 * n  # radii in the data, in both orders
    if sizes.checkpoints:
        memory["start"] += gone if graph else 0  # the graph is written while the start is made
        memory["layout"] += state_memory(sizes)  # is written while the next epochs are run, which take other arrays
    return memory if sizes.search is None else with_search(memory, sizes, threads)


def with_search(memory: dict[str, int], sizes: Sizes, threads: int) -> dict[str, int]:
    """Bytes of all phases where the package searches: its index stays, and what it finds until the graph is there."""
    assert sizes.search is not None
    wanted = sizes.listed - 1
    peak, index = search_memory(sizes.n, sizes.search, wanted, threads)
    found = {"neighbors": 16 * wanted * sizes.n, "graph": 16 * wanted * sizes.n}
    return {"search": peak} | {name: size + index + found.get(name, 0) for name, size in memory.items()}


def radii_memory(sizes: Sizes) -> int:
    """Bytes of radii in the data while the graph is learned, and of every neighbor's distance in another order."""
    if not sizes.dens_lambda:
        return 0
    entries = 0 if sizes.on_disk else sizes.kept * (4 if sizes.symmetrize else 8)
    return entries + 4 * sizes.n


def targets_memory(sizes: Sizes) -> int:
    """Bytes that targets take at most while they shape a graph: the graph without them, and of numbers their rows."""
    if sizes.targets is None:
        return 0
    graph = (0 if sizes.on_disk else 8 * sizes.edges) + 20 * sizes.n  # rows' starts, labels, and numbers of these
    # Indices and distances as they are found and as they are read; and the graph of both that is not united yet.
    return graph + (24 * sizes.targets * sizes.n + graph if sizes.targets else 0)


def given_up(sizes: Sizes) -> int:
    """Bytes of the graph's arrays that are gone once its slices are there: 0 where others hold them, or files."""
    return 8 * sizes.edges if sizes.own and not sizes.on_disk else 0


def levels_memory(sizes: Sizes) -> int:
    """Bytes that levels take at most while they are made and arranged, beside the graph itself."""
    n, made, coarse = sizes.n, 0, 0
    if has_levels(sizes):
        # Of every coarse vertex its row's start, degree and mass; indices and weights of the coarse edges.
        coarse = 16 * (n // MERGED) + 8 * coarse_edges(sizes, n, sizes.edges)
        # Degrees, owners, and casts while the members of groups are told apart; then what is merged at once, its parts,
        # and all of it put together.
        made = max(36 * n, 16 * n + 8 * min(sizes.edges, EDGES_AT_ONCE) + 2 * coarse)
        if sizes.start in ("auto", "pivot_mds"):
            # The same of edges with lengths, weak ones as well, beside the levels; and every row's path to its root.
            measured = int(8 * WITH_WEAK * coarse_edges(sizes, n, sizes.edges))
            made = max(made, 20 * n + 8 * min(sizes.edges, EDGES_AT_ONCE) + coarse + 2 * measured)
    # Degrees and ranks while the slices are made; of an own graph the indices are gone when the weights are laid out.
    return max(made, arranged_memory(sizes) + 8 * n - given_up(sizes) // 2)


def arranged_memory(sizes: Sizes) -> int:
    """Bytes of levels that are arranged, without slices that lie in files."""
    n, slices = sizes.n, 0 if sizes.on_disk else slices_of(sizes.edges)
    vertices = 8 * n  # order and degree
    if has_levels(sizes):
        slices += slices_of(coarse_edges(sizes, n, sizes.edges))
        vertices += 4 * n * (len(level_sizes(sizes)) - 1)  # every row's owner on the coarser levels
        vertices += 16 * (n // MERGED)  # of every coarse vertex order, degree, mass and owner
    return slices + vertices


def slices_of(edges: int) -> int:
    """Bytes of edges that are laid out in slices."""
    return int(8 * FILLED * edges)


def state_memory(sizes: Sizes) -> int:
    """Bytes of a layout state, in memory or a checkpoint: positions and moments, on the finest level."""
    moments = 1 if is_majorized(sizes) else 2
    return 4 * (1 + moments) * sizes.n_components * sizes.n


def room_on_disk(sizes: Sizes) -> int:
    """Bytes in files when there are most: a graph that is built there, its slices, a run's graph and checkpoints."""
    graph = 8 * sizes.edges + 8 * (sizes.n + 1)
    room = sizes.checkpoints * state_memory(sizes)
    if sizes.on_disk:
        # The neighbors are gone when the graph is laid out in slices.
        room += graph + max(8 * sizes.kept, slices_of(sizes.edges)) if sizes.listed else slices_of(sizes.edges)
    elif sizes.checkpoints and sizes.listed:
        room += graph  # of a graph that is given to the fit as a manifold the run keeps no copy
    return room


def field_memory(sizes: Sizes) -> int:
    """Bytes of the grids, and of the rows in the order of their cells."""
    cells = USUAL_CELLS if sizes.edges_known else MOST_CELLS + 24  # whole multiples of 32
    # Density, spectrum, the last two transformed kernels and the tables and transforms that the next two are made
    # from, on grids of twice the side.
    return 130 * cells**2 + (4 + 4 * sizes.n_components) * sizes.n


def has_levels(sizes: Sizes) -> bool:
    """Whether there are coarser levels than the graph itself."""
    return needs_coarser(sizes.n, 0, n_components=sizes.n_components)


def has_field(sizes: Sizes) -> bool:
    """Whether the repulsion of the whole graph is a field on a grid."""
    return sizes.n_components == 2 and has_levels(sizes)


def is_majorized(sizes: Sizes) -> bool:
    """Whether vertices move by majorization, which keeps one moment, and not by Adam, which keeps two."""
    return has_field(sizes) and not sizes.dens_lambda


def coarse_edges(sizes: Sizes, n: int, edges: int) -> int:
    """Edges of all levels that are coarser than one: fitted to the levels of half a dozen graphs.

    Where few neighbors list each other (as in many dimensions), groups have many others next to them. Half as many
    edges again where the number must be a bound.
    """
    one_sided = min(1.0, max(0.0, sizes.edges / sizes.kept - 1)) if sizes.symmetrize else 0.5
    share = (0.1 + 0.4 * one_sided) * (edges / n / 22) ** -0.68
    return int(edges * min(1.0, share * (1.0 if sizes.edges_known else 1.5)))


def level_sizes(sizes: Sizes) -> list[tuple[int, int]]:
    """Vertices and edges of the levels, about, from the finest to the coarsest."""
    levels = [(sizes.n, sizes.edges)]
    while needs_coarser(levels[-1][0], len(levels) - 1, n_components=sizes.n_components):
        levels.append((levels[-1][0] // MERGED, coarse_edges(sizes, *levels[-1])))
    return levels
