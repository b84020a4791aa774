"""Films of a map: the epochs of its layout, and three components that turn."""

from typing import Any

import numpy as np

from umap_sk.monitor.progress import show_epochs
from umap_sk.plot import draw
from umap_sk.plot.epochs import next_frame, stepper_of
from umap_sk.plot.movie import HOLD, camera, checked_path, write_movie
from umap_sk.plot.raster import Box, box_of
from umap_sk.plot.view import VIEW, flat


class Films:
    """What makes films of a display: it is drawn once, and moved."""

    @classmethod
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
        """Film the epochs of a layout, those on coarse levels too, from the first to the last.

        The map is laid out anew, step by step, on the same way to the same bits. All frames are kept in memory.

        Parameters
        ----------
        estimator : PrecomputedUMAP
            Parameters of the layout; it stays as it is. A fitted one lends its graph and its seed, and needs no data,
            but `X` or `init` where its layout began there.
        path : path
            A .gif, or an .mp4, which needs ffmpeg.
        X : array-like, sparse or frame of shape (n, n_features), default=None
            As in :meth:`PrecomputedUMAP.fit`.
        labels, values : array-like of shape (n,) or str, default=None
            As in the class.
        subset : int or array-like of int or bool, default=None
            As in the class. All rows are laid out.
        data : frame or AnnData, default=None
            As in the class.
        frames : int, default=60
            Pictures, evenly spaced over the epochs; fewer if there are fewer epochs.
        seconds : float, default=8.0
            Length of the film; its last picture stays for 1.5 more.
        progress : bool, default=True
            Show a progress bar.
        knn_indices, knn_dists : array-like of shape (n, k), default=None
            As in :meth:`PrecomputedUMAP.fit`.
        init : str or array-like of shape (n, n_components), default=None
            As in :meth:`PrecomputedUMAP.fit`.
        manifold : Manifold, default=None
            As in :meth:`PrecomputedUMAP.fit`.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        pathlib.Path
            Where the film is.
        """
        path, view = checked_path(path), style.get("view", VIEW)
        given = {"X": X, "knn_indices": knn_indices, "knn_dists": knn_dists, "init": init, "manifold": manifold}
        stepper, given = stepper_of(estimator, given)
        taken = [next_frame(stepper, 1, given)]
        stops = np.unique(np.linspace(1, stepper.n_epochs_, max(2, frames)).astype(int)).tolist()
        with show_epochs([1] * (2 * len(stops) - 1), 0, progress, "film", "step") as tell:
            for at, (begin, end) in enumerate(zip(stops, stops[1:], strict=False), start=1):
                taken.append(next_frame(stepper, end - begin, {}))
                tell(at)
            chosen = {"labels": labels, "values": values, "subset": subset, "data": data}
            display: Any = cls(embedding=taken[-1].positions, **chosen)  # type: ignore[call-arg]
            display.plot(**style)
            seen = [flat(frame.positions, view) for frame in taken]
            drawn = [points[display.rows.drawn] for points, _ in seen]
            boxes = camera(drawn, box_of(seen[-1][0]))

            def step(number: int) -> None:
                said = f"epoch {taken[number].epoch} of {stepper.n_epochs_}, {taken[number].vertices:,} vertices"
                display._move(*seen[number], boxes[number], f"{said}; {display.caption_}")
                tell(len(stops) + number)

            steps = [lambda number=number: step(number) for number in range(len(taken))]
            write_movie(path, display.figure_, steps, len(stops) / seconds, HOLD)
        return path

    @classmethod
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
        """Film a map of three components that turns once around its upright axis.

        Parameters
        ----------
        embedding : estimator, or array-like of shape (n, 3), frame or AnnData
            A fitted estimator, or the map itself.
        path : path
            A .gif, or an .mp4, which needs ffmpeg.
        labels, values : array-like of shape (n,) or str, default=None
            As in the class.
        subset : int or array-like of int or bool, default=None
            As in the class.
        data : frame or AnnData, default=None
            As in the class.
        frames : int, default=90
            Pictures of one turn.
        seconds : float, default=9.0
            Length of the film.
        progress : bool, default=True
            Show a progress bar.
        **style : object
            As in :meth:`plot`; `view` is where the turn begins.

        Returns
        -------
        pathlib.Path
            Where the film is.
        """
        path, (azimuth, elevation) = checked_path(path), style.pop("view", VIEW)
        given = {"labels": labels, "values": values, "subset": subset, "data": data}
        display: Any = cls(embedding=embedding, **given)  # type: ignore[call-arg]
        positions = display.rows.positions
        if positions.shape[1] != 3:
            raise ValueError("A map of 2 components does not turn. Fit with n_components=3.")
        views = [(azimuth + 360 * number / frames, elevation) for number in range(frames)]
        boxes = np.array([box_of(flat(positions, view)[0]) for view in views[:: max(1, frames // 24)]])
        box = Box(boxes[:, 0].min(), boxes[:, 1].max(), boxes[:, 2].min(), boxes[:, 3].max())
        with show_epochs([1] * frames, 0, progress, "film", "frame") as tell:
            display.plot(view=views[0], box=box, **style)

            def step(number: int) -> None:
                display._move(*flat(positions, views[number]), box, display.caption_)
                tell(number + 1)

            steps = [lambda number=number: step(number) for number in range(frames)]
            write_movie(path, display.figure_, steps, frames / seconds)
        return path

    def _move(self: Any, points: np.ndarray, depth: np.ndarray | None, box: Box, caption: str) -> None:
        """Draw the same rows at other places; names stay with their rows."""
        rows = self.rows
        drawn, near = points[rows.drawn], None if depth is None else depth[rows.drawn]
        if self.image_ is not None:
            self.image_.set_data(draw.raster_of(drawn, rows, self._scale, box, self._theme))
            self.image_.set_extent(tuple(box))
        else:
            order, _ = draw.drawing_order(len(drawn), near)
            self.points_.set_offsets(drawn[order])
            self.points_.set_facecolors(draw.point_colors(rows, self._scale, self._theme)[order])
        for text, place in zip(self.names_, self._named, strict=True):
            text.set_position(drawn[place])
        self.ax_.set(xlim=box[:2], ylim=box[2:])
        self.ax_.xaxis.label.set_text(caption)
