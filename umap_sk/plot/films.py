"""Films of a map, which are class methods of EmbeddingDisplay: the epochs of its layout, and a rotation."""

from typing import TYPE_CHECKING

import numpy as np

from umap_sk.monitor.progress import show_epochs
from umap_sk.plot import draw
from umap_sk.plot.epochs import advance_frame, make_stepper
from umap_sk.plot.movie import LAST_FRAME_SECONDS, check_path, compute_boxes, write_movie
from umap_sk.plot.raster import Box, find_box
from umap_sk.plot.view import VIEW, project

if TYPE_CHECKING:
    from umap_sk.plot.display import EmbeddingDisplay


def epochs(
    cls,
    estimator,
    path,
    X=None,
    *,
    labels=None,
    values=None,
    subset=None,
    data=None,
    frames=60,
    seconds=8.0,
    progress=True,
    knn_indices=None,
    knn_dists=None,
    init=None,
    manifold=None,
    **style,
):
    """Film the epochs of a layout on all levels.

    The map is laid out again, step by step, with the same bits. All frames are kept in memory.

    Parameters
    ----------
    estimator : PrecomputedUMAP, or UMAP after fit
        Parameters of the layout. The estimator does not change. A fitted one provides its graph and seed. It needs
        `X` or `init` only if its layout started from these.
    path : path
        Path of a .gif file, or of an .mp4 file, which needs ffmpeg.
    X : array-like, sparse or frame of shape (n, n_features), default=None
        As in :meth:`PrecomputedUMAP.fit`.
    labels, values, subset, data : object, default=None
        As in the class. The layout contains all rows, not only `subset`.
    frames : int, default=60
        Number of pictures, evenly spaced over the epochs; fewer if there are fewer epochs.
    seconds : float, default=8.0
        Duration of the film. Its last picture stays for another 1.5 seconds.
    progress : bool, default=True
        Whether to show a progress bar.
    knn_indices, knn_dists, init, manifold : object, default=None
        As in :meth:`PrecomputedUMAP.fit`.
    **style : object
        As in :meth:`plot`.

    Returns
    -------
    pathlib.Path
        Path of the film.
    """
    path, view = check_path(path, frames), style.get("view", VIEW)
    given = {"X": X, "knn_indices": knn_indices, "knn_dists": knn_dists, "init": init, "manifold": manifold}
    stepper, inputs = make_stepper(getattr(estimator, "estimator_", estimator), given)  # that of a fitted UMAP
    recorded = [advance_frame(stepper, 1, inputs)]
    stops = np.unique(np.linspace(1, stepper.n_epochs_, max(2, frames)).astype(int)).tolist()
    with show_epochs([(1, 2 * len(stops) - 1)], 0, progress, "film", "step") as show:
        for at, (begin, end) in enumerate(zip(stops, stops[1:], strict=False), start=1):
            recorded.append(advance_frame(stepper, end - begin, {}))
            show(at)
        settings = {"labels": labels, "values": values, "subset": subset, "data": data}
        display: EmbeddingDisplay = cls(embedding=recorded[-1].positions, **settings)
        display.plot(**style)
        seen = [project(frame.positions, view) for frame in recorded]
        drawn = [points[display.rows.drawn] for points, _ in seen]
        boxes = compute_boxes(drawn, find_box(seen[-1][0]))

        def step(number: int) -> None:
            text = f"epoch {recorded[number].epoch} of {stepper.n_epochs_}, {recorded[number].vertices:,} vertices"
            _move(display, *seen[number], boxes[number], f"{text}; {display.caption_}")
            show(len(stops) + number)

        steps = [lambda number=number: step(number) for number in range(len(recorded))]
        write_movie(path, display.figure_, steps, len(stops) / seconds, LAST_FRAME_SECONDS)
    return path


def rotation(
    cls,
    embedding,
    path,
    *,
    labels=None,
    values=None,
    subset=None,
    data=None,
    frames=90,
    seconds=9.0,
    progress=True,
    **style,
):
    """Film a full turn of a map with three components around its vertical axis.

    Parameters
    ----------
    embedding : estimator, or array-like of shape (n, 3), frame or AnnData
        A fitted estimator, or the map itself.
    path : path
        Path of a .gif file, or of an .mp4 file, which needs ffmpeg.
    labels, values, subset, data : object, default=None
        As in the class.
    frames : int, default=90
        Number of pictures.
    seconds : float, default=9.0
        Duration of the film.
    progress : bool, default=True
        Whether to show a progress bar.
    **style : object
        As in :meth:`plot`. The turn begins at `view`.

    Returns
    -------
    pathlib.Path
        Path of the film.
    """
    path, (azimuth, elevation) = check_path(path, frames), style.pop("view", VIEW)
    settings = {"labels": labels, "values": values, "subset": subset, "data": data}
    display: EmbeddingDisplay = cls(embedding=embedding, **settings)
    positions = display.rows.positions
    if positions.shape[1] != 3:
        raise ValueError("A rotation needs a map of 3 components. Fit with n_components=3.")
    views = [(azimuth + 360 * number / frames, elevation) for number in range(frames)]
    boxes = np.array([find_box(project(positions, view)[0]) for view in views[:: max(1, frames // 24)]])
    box = Box(boxes[:, 0].min(), boxes[:, 1].max(), boxes[:, 2].min(), boxes[:, 3].max())
    with show_epochs([(1, frames)], 0, progress, "film", "frame") as show:
        display.plot(view=views[0], box=box, **style)

        def step(number: int) -> None:
            _move(display, *project(positions, views[number]), box, display.caption_)
            show(number + 1)

        steps = [lambda number=number: step(number) for number in range(frames)]
        write_movie(path, display.figure_, steps, frames / seconds)
    return path


def _move(display: "EmbeddingDisplay", points: np.ndarray, depth: np.ndarray | None, box: Box, caption: str) -> None:
    """Draw the same rows at other positions. Names stay with their rows."""
    rows = display.rows
    drawn, near = points[rows.drawn], None if depth is None else depth[rows.drawn]
    if display.image_ is not None:
        display.image_.set_data(draw.make_raster(drawn, rows, display._scale, box, display._theme))
        display.image_.set_extent(box)
    elif display.points_ is not None:
        order, _ = draw.choose_order(len(drawn), near)
        display.points_.set_offsets(drawn[order])
        display.points_.set_facecolor(draw.get_point_colors(rows, display._scale, display._theme)[order])
    for text, place in zip(display.names_, display._named, strict=True):
        text.set_position(drawn[place])
    display.ax_.set(xlim=box[:2], ylim=box[2:])
    display.ax_.xaxis.label.set_text(caption)
