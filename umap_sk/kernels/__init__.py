"""Compiled functions of arrays and scalars, one file for each phase, in the order of the pipeline.

Kernels have no policy: their callers decide what to compute, and for which rows. One thread writes a row, each sum has
a fixed order, and constants such as block sizes do not depend on the machine. The bits are therefore the same for any
number of threads. No kernel allows the compiler to reorder or to fuse arithmetic, and `multiply_add` is always fused.
Kernels import runtime only, and other folders import them from here.
"""

from umap_sk.kernels.anchors import pull_to_anchors
from umap_sk.kernels.attraction import PART_WIDTH, attract_parts
from umap_sk.kernels.cell_completion import complete_cells
from umap_sk.kernels.cell_search import search_cells
from umap_sk.kernels.cells import means_of_cells, nearest_centers, pack_cells
from umap_sk.kernels.coarsen import (
    aggregate_strongest,
    choose_members,
    coarse_rows,
    exclude_neighbors,
    group_members,
    paths_to_roots,
    row_sums,
)
from umap_sk.kernels.density import add_density, data_radii, density_slopes, map_radii, sums_of_blocks
from umap_sk.kernels.differences import (
    BRAY_CURTIS,
    CANBERRA,
    CHEBYSHEV,
    HAMMING,
    MANHATTAN,
    MINKOWSKI,
    SEARCHED_ROWS,
    TILED_ROWS,
    nearest_by_differences,
)
from umap_sk.kernels.epoch import ADAM_MOMENTUM, BETA1, BETA2, euclidean_step
from umap_sk.kernels.forces import CHUNK_SIZE, CLIP, POOL_SIZE, RUN_LENGTH, sampled_field
from umap_sk.kernels.fourier import TRANSFORM_LANES, convolve_rows, transform_columns
from umap_sk.kernels.grid import bounding_boxes, deposit, interpolate, tabulate_kernel
from umap_sk.kernels.init import PATH_BLOCK_ROWS, PIVOTS, diagonalize, filter_step, inner_products, relax_paths
from umap_sk.kernels.inverse import combine_rows
from umap_sk.kernels.loss import ATTRACTION_STRIDE, scale_losses
from umap_sk.kernels.near_field import NEAR_SAMPLES, add_near_field, count_cells, sort_into_cells
from umap_sk.kernels.neighbors import (
    CLIPPED,
    CUT,
    DUPLICATES,
    EMPTY,
    FALLING,
    KEPT,
    NEGATIVE,
    NOT_A_NUMBER,
    ORDERED,
    OUT_OF_RANGE,
    SELF_ENTRIES,
    SENTINELS,
    SHORT,
    TALLIES,
    close_gaps,
    nearest_rows,
)
from umap_sk.kernels.numbers import BLOCK_ROWS, exponential, log_of, mix
from umap_sk.kernels.output_metrics import (
    arcs,
    chebyshevs,
    cosines,
    hyperboloids,
    manhattans,
    minkowskis,
    of_function,
    toruses,
)
from umap_sk.kernels.output_spaces import (
    CENTERED_UNIT,
    FLAT,
    HYPERBOLOID,
    MAX_HYPERBOLOID_LENGTH,
    UNIT,
    WRAPPED,
    bring_into_space,
    space_step,
)
from umap_sk.kernels.pieces import copy_rows, count_sent, fill_sent, unite_rows
from umap_sk.kernels.projection import center_rows, project_rows, unit_lengths
from umap_sk.kernels.ranks import rank_candidates
from umap_sk.kernels.scales import LANES, LARGEST_SIGMA, MAX_ERROR, SMALLEST_SUM, solve_scales, sums_of_row_blocks
from umap_sk.kernels.sell import (
    GATHERED_EDGES,
    SLICE,
    fill_slices,
    jitter,
    longest_first,
    slice_sums,
    smooth,
    take_from_slices,
)
from umap_sk.kernels.set_operations import (
    DIFFERENCE,
    INTERSECTION,
    UNION,
    count_either,
    merge_graphs,
    restore_rows,
    weigh_by_labels,
)
from umap_sk.kernels.space_rows import distances_in_space, paired_in_space, place_in_space
from umap_sk.kernels.sparse_search import search_sparse
from umap_sk.kernels.ties import nearest_among_groups, row_keys
from umap_sk.kernels.transform import place_rows
from umap_sk.kernels.union import (
    LOOKED_UP_EDGES,
    count_union,
    fill_received,
    fuzzy_union,
    join_mutual,
    merge_received,
    sort_rows,
)
from umap_sk.kernels.validate import BAD_BOUNDS, BAD_WEIGHT, OWN_ROW, UNSORTED, check_rows
