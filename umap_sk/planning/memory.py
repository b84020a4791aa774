"""The memory of a plan: bytes of the arrays that exist at the peak of each phase."""

from umap_sk.graph.fuzzy_union import MAX_PARTS
from umap_sk.layout.coarsen import EDGES_PER_MERGE, needs_coarsening
from umap_sk.layout.repulsion import MAX_CELLS
from umap_sk.neighbors import formats
from umap_sk.planning.search import count_search_bytes
from umap_sk.planning.sizes import Sizes

USUAL_CELLS = 256  # along a side of the grid; a map of many separate clusters may need MAX_CELLS
MERGED_VERTICES = 6  # vertices that a coarser vertex merges: fewer than usual, for an upper bound
WEAK_EDGE_FACTOR = 1.4  # edges between groups for each edge that a level keeps
SLICE_FACTOR = 1.04  # items in slices for each edge


def count_phase_bytes(sizes: Sizes, threads: int) -> dict[str, int]:
    """Return the bytes of the arrays that exist at the peak of each phase."""
    n, d = sizes.n, sizes.n_components
    directed = (0 if sizes.on_disk else 8 * sizes.kept) + 8 * n  # indices, distances and row offsets
    graph = 0 if sizes.on_disk or not sizes.listed else 8 * sizes.edges + 8 * n
    memory = {}
    if sizes.listed:
        # Each thread reads a block of int64 indices and float64 distances.
        entries = n * sizes.listed
        memory["neighbors"] = directed + 16 * min(threads * formats.choose_block_entries(entries), entries)
        scales = 16 * n  # rho and sigma, float64
        counts = (4 + 4 * min(threads, MAX_PARTS)) * n  # edges of every row, and the edges that each part adds to it
        union = counts + 8 * n + (0 if sizes.on_disk else 8 * sizes.edges)
        memory["graph"] = directed + (max(scales, union) if sizes.symmetrize else scales)
        memory["graph"] += count_radius_bytes(sizes) + count_target_bytes(sizes)
    # The start, its smoothed and scaled copies and its means on coarser levels, or the eigensolver's arrays.
    making = 70 * estimate_level_sizes(sizes)[-1][1] if sizes.start in ("pivot_mds", "spectral") else 24 * d * n
    freed = count_freed_bytes(sizes)
    memory["start"] = graph + max(count_level_bytes(sizes), count_layout_bytes(sizes) + making - freed)
    # Positions and moments before and after an epoch, and the embedding.
    field = count_field_bytes(sizes) if has_field(sizes) else 0
    field = max(field, (20 + 4 * d) * n) if sizes.dens_lambda else field  # radii in the map, and their derivatives
    # Levels release their slices when the layout moves to a finer one.
    left = count_slice_bytes(count_coarse_edges(sizes, n, sizes.edges)) if has_levels(sizes) else 0
    arranged = count_layout_bytes(sizes)
    memory["layout"] = graph - freed + max(arranged, arranged - left + 2 * count_state_bytes(sizes) + 4 * d * n + field)
    for phase in ("start", "layout") if sizes.dens_lambda else ():
        memory[phase] += 8 * n  # radii in the data, in two orders
    if sizes.checkpoints:
        memory["start"] += freed if graph else 0  # the graph is written while the start is made
        # This is written while the next epochs run, which use other arrays.
        memory["layout"] += count_state_bytes(sizes)
    return memory if sizes.search is None else add_search_bytes(memory, sizes, threads)


def add_search_bytes(memory: dict[str, int], sizes: Sizes, threads: int) -> dict[str, int]:
    """Add the search by the package: its index stays, and its result exists until the graph is built."""
    assert sizes.search is not None
    wanted = sizes.listed - 1
    peak, index = count_search_bytes(sizes.n, sizes.search, wanted, threads)
    found = {"neighbors": 16 * wanted * sizes.n, "graph": 16 * wanted * sizes.n}
    return {"search": peak} | {name: size + index + found.get(name, 0) for name, size in memory.items()}


def count_radius_bytes(sizes: Sizes) -> int:
    """Return the bytes of radii while the graph is learned, and of the distances in another order."""
    if not sizes.dens_lambda:
        return 0
    entries = 0 if sizes.on_disk else sizes.kept * (4 if sizes.symmetrize else 8)
    return entries + 4 * sizes.n


def count_target_bytes(sizes: Sizes) -> int:
    """Return the maximal bytes of targets: a graph without them, and the neighbors among numbers."""
    if sizes.targets is None:
        return 0
    graph = (0 if sizes.on_disk else 8 * sizes.edges) + 20 * sizes.n  # row offsets, labels and their counts
    # Indices and distances as found and as read, and the graph of both before the union.
    return graph + (24 * sizes.targets * sizes.n + graph if sizes.targets else 0)


def count_freed_bytes(sizes: Sizes) -> int:
    """Return the bytes of a graph that is freed when its slices exist: 0 for shared or mapped arrays."""
    return 8 * sizes.edges if sizes.own and not sizes.on_disk else 0


def count_level_bytes(sizes: Sizes) -> int:
    """Return the maximal bytes of the levels while they are made and laid out, without the graph itself."""
    n, peak, coarse = sizes.n, 0, 0
    if has_levels(sizes):
        # Row offset, degree and mass of each coarse vertex, and the coarse edges.
        coarse = 16 * (n // MERGED_VERTICES) + 8 * count_coarse_edges(sizes, n, sizes.edges)
        # Degrees, owners and casts while the members of groups are sorted. Then the part that is merged at once, its
        # parts, and the merged result.
        peak = max(36 * n, 16 * n + 8 * min(sizes.edges, EDGES_PER_MERGE) + 2 * coarse)
        if sizes.start in ("auto", "pivot_mds"):
            # The same for edges with lengths and weak edges, and each row's path to its root.
            measured = int(8 * WEAK_EDGE_FACTOR * count_coarse_edges(sizes, n, sizes.edges))
            peak = max(peak, 20 * n + 8 * min(sizes.edges, EDGES_PER_MERGE) + coarse + 2 * measured)
    # Degrees and ranks while slices are made. Indices of an own graph are freed before weights are copied.
    return max(peak, count_layout_bytes(sizes) + 8 * n - count_freed_bytes(sizes) // 2)


def count_layout_bytes(sizes: Sizes) -> int:
    """Return the bytes of levels in the order of the layout, without slices in files."""
    n, slices = sizes.n, 0 if sizes.on_disk else count_slice_bytes(sizes.edges)
    vertices = 8 * n  # order and degrees
    if has_levels(sizes):
        slices += count_slice_bytes(count_coarse_edges(sizes, n, sizes.edges))
        vertices += 4 * n * (len(estimate_level_sizes(sizes)) - 1)  # each row's vertex on each coarser level
        vertices += 16 * (n // MERGED_VERTICES)  # order, degree, mass and owner of each coarse vertex
    return slices + vertices


def count_slice_bytes(edges: int) -> int:
    """Return the bytes of edges in slices."""
    return int(8 * SLICE_FACTOR * edges)


def count_state_bytes(sizes: Sizes) -> int:
    """Return the bytes of a layout state of the finest level: its positions and moments."""
    moments = 1 if is_majorized(sizes) else 2
    return 4 * (1 + moments) * sizes.n_components * sizes.n


def count_disk_bytes(sizes: Sizes) -> int:
    """Return the maximal bytes in files: a graph on disk, its slices, and the graph and checkpoints of a run."""
    graph = 8 * sizes.edges + 8 * (sizes.n + 1)
    room = sizes.checkpoints * count_state_bytes(sizes)
    if sizes.on_disk:
        # The neighbors are freed before the graph is copied into slices.
        slices = count_slice_bytes(sizes.edges)
        room += graph + max(8 * sizes.kept, slices) if sizes.listed else slices
    elif sizes.checkpoints and sizes.listed:
        room += graph  # the run does not copy a manifold that is passed to the fit
    return room


def count_field_bytes(sizes: Sizes) -> int:
    """Return the bytes of the grids, and of the rows in the order of their cells."""
    cells = USUAL_CELLS if sizes.edges_known else MAX_CELLS + 24  # rounded to a multiple of 32
    # Density, spectrum, the last two transformed kernels, and the tables and transforms of the next two, on grids of
    # twice the side.
    return 130 * cells**2 + (4 + 4 * sizes.n_components) * sizes.n


def has_levels(sizes: Sizes) -> bool:
    """Return whether there are coarser levels than the graph itself."""
    return needs_coarsening(sizes.n, 0, n_components=sizes.n_components)


def has_field(sizes: Sizes) -> bool:
    """Return whether the repulsion of the whole graph is computed as a field on a grid."""
    return sizes.n_components == 2 and has_levels(sizes)


def is_majorized(sizes: Sizes) -> bool:
    """Return whether majorization moves the vertices, which stores one moment, instead of Adam, which stores two."""
    return has_field(sizes) and not sizes.dens_lambda


def count_coarse_edges(sizes: Sizes, n: int, edges: int) -> int:
    """Estimate the number of edges of all coarser levels, by a fit to the levels of six graphs.

    If few neighbors list each other, as in many dimensions, groups of rows have many adjacent groups. If the number has
    to be an upper bound, it is raised by half.
    """
    one_sided = min(1.0, max(0.0, sizes.edges / sizes.kept - 1)) if sizes.symmetrize else 0.5
    share = (0.1 + 0.4 * one_sided) * (edges / n / 22) ** -0.68
    return int(edges * min(1.0, share * (1.0 if sizes.edges_known else 1.5)))


def estimate_level_sizes(sizes: Sizes) -> list[tuple[int, int]]:
    """Estimate the numbers of vertices and edges of the levels, from the finest to the coarsest."""
    levels = [(sizes.n, sizes.edges)]
    while needs_coarsening(levels[-1][0], len(levels) - 1, n_components=sizes.n_components):
        levels.append((levels[-1][0] // MERGED_VERTICES, count_coarse_edges(sizes, *levels[-1])))
    return levels
