"""Films of a figure, written as GIF, or by ffmpeg as MP4."""

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy import ndimage

from umap_sk.plot.optional import import_matplotlib
from umap_sk.plot.raster import Box, find_box

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

DPI = 100
LAST_FRAME_SECONDS = 1.5  # seconds for which the last frame stays

Steps: TypeAlias = Iterable[Callable[[], None]]
"""Functions that each change a figure into its next picture."""


def check_path(path: str | PathLike[str], frames: int) -> Path:
    """Return the path of a film, after checking that it has pictures and that its format can be written."""
    path = Path(path)
    if frames < 1:
        raise ValueError(f"frames={frames}, but a film needs at least one picture.")
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise ValueError(f"path={str(path)!r}, but a film is a .gif or .mp4 file. Use one of these.")
    if path.suffix.lower() == ".mp4" and not import_matplotlib("animation").writers.is_available("ffmpeg"):
        raise ValueError("An .mp4 file needs ffmpeg, which was not found. Install it, or use a .gif file.")
    return path


def write_movie(path: Path, figure: "Figure", steps: Steps, fps: float, hold: float = 0.0) -> None:
    """Draw the figure after each step, and write all pictures. The last one stays for `hold` more seconds."""
    figure.set_dpi(DPI)
    canvas = import_matplotlib("backends.backend_agg").FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine("none")  # only the points may move
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    write(path, canvas, steps, fps, hold)
    import_matplotlib("pyplot").close(figure)


def compute_boxes(frames: list[np.ndarray], last: Box) -> list[Box]:
    """Return a box around each frame's points. All have the shape of the last one, and move and grow smoothly."""
    boxes = [*map(find_box, frames[:-1]), last]
    width, height = last.right - last.left, last.top - last.bottom
    scale = [max((b.right - b.left) / width, (b.top - b.bottom) / height) for b in boxes]
    middle = np.array([((b.left + b.right) / 2, (b.bottom + b.top) / 2) for b in boxes])
    smooth = np.exp(ndimage.gaussian_filter1d(ndimage.maximum_filter1d(np.log(scale), 5), 1.5, mode="nearest"))
    x, y = ndimage.gaussian_filter1d(middle, 1.5, axis=0, mode="nearest").T
    half = np.array([[width], [height]]) / 2 * smooth
    found = np.stack([x - half[0], x + half[0], y - half[1], y + half[1]], axis=1).tolist()
    return [*(Box(*sides) for sides in found[:-1]), last]


def _write_gif(path: Path, canvas: "FigureCanvasAgg", steps: Steps, fps: float, hold: float) -> None:
    """Write a GIF file in which all frames have the colors of the last one, so that nothing flickers."""
    from PIL import Image

    frames = []
    for step in steps:
        step()
        canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
    colors = frames[-1].quantize(255, method=Image.Quantize.MEDIANCUT)
    palette, ground = np.array(colors.getpalette()).reshape(-1, 3), np.asarray(frames[-1])[0, 0]
    palette[np.abs(palette - ground).sum(axis=1).argmin()] = ground
    colors.putpalette(palette.ravel().tolist())
    drawn = [frame.quantize(palette=colors, dither=Image.Dither.NONE) for frame in frames]
    times = [round(1000 / fps)] * (len(drawn) - 1) + [round(1000 / fps + 1000 * hold)]
    drawn[0].save(path, save_all=True, append_images=drawn[1:], duration=times, loop=0, optimize=False)


def _write_mp4(path: Path, canvas: "FigureCanvasAgg", steps: Steps, fps: float, hold: float) -> None:
    """Write an MP4 file by ffmpeg."""
    figure = canvas.figure
    writer = import_matplotlib("animation").FFMpegWriter(fps=fps, bitrate=4000)
    style = {"facecolor": figure.get_facecolor()}
    with writer.saving(figure, str(path), DPI):
        for step in steps:
            step()
            writer.grab_frame(**style)
        for _ in range(round(fps * hold)):
            writer.grab_frame(**style)
