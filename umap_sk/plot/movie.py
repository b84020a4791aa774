"""Films: frames of one figure, written as a GIF or, by ffmpeg, as MP4."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from umap_sk.plot.optional import matplotlib_module
from umap_sk.plot.raster import Box, box_of

DPI = 100
HOLD = 1.5  # seconds for which the last frame of a film that ends stays


def checked_path(path: Any) -> Path:
    """Where the film goes, if it can be written there."""
    path = Path(path)
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise ValueError(f"path={str(path)!r}, but a film is a .gif or an .mp4. Name one of these.")
    if path.suffix.lower() == ".mp4" and not matplotlib_module("animation").writers.is_available("ffmpeg"):
        raise ValueError("An .mp4 needs ffmpeg, which was not found. Install it, or name a .gif.")
    return path


def write_movie(path: Path, figure: Any, steps: Iterable[Callable[[], None]], fps: float, hold: float = 0.0) -> None:
    """Draw the figure after each step, and write all pictures; the last one stays for so many seconds more."""
    figure.set_dpi(DPI)
    canvas = matplotlib_module("backends.backend_agg").FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine("none")  # so that nothing moves but the points
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    write(path, canvas, steps, fps, hold)
    matplotlib_module("pyplot").close(figure)


def camera(frames: list[np.ndarray], last: Box) -> list[Box]:
    """A box around every frame's points, of the last one's form, that moves and grows smoothly to the last one."""
    boxes = [*map(box_of, frames[:-1]), last]
    width, height = last.right - last.left, last.top - last.bottom
    scale = [max((b.right - b.left) / width, (b.top - b.bottom) / height) for b in boxes]
    middle = np.array([((b.left + b.right) / 2, (b.bottom + b.top) / 2) for b in boxes])
    smooth = np.exp(ndimage.gaussian_filter1d(ndimage.maximum_filter1d(np.log(scale), 5), 1.5, mode="nearest"))
    x, y = ndimage.gaussian_filter1d(middle, 1.5, axis=0, mode="nearest").T
    half = np.array([[width], [height]]) / 2 * smooth
    found = np.stack([x - half[0], x + half[0], y - half[1], y + half[1]], axis=1).tolist()
    return [*(Box(*sides) for sides in found[:-1]), last]


def _write_gif(path: Path, canvas: Any, steps: Iterable[Callable[[], None]], fps: float, hold: float) -> None:
    """All frames with the colors of the last one, so that none flickers."""
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


def _write_mp4(path: Path, canvas: Any, steps: Iterable[Callable[[], None]], fps: float, hold: float) -> None:
    """All frames by ffmpeg."""
    figure = canvas.figure
    writer = matplotlib_module("animation").FFMpegWriter(fps=fps, bitrate=4000)
    style = {"facecolor": figure.get_facecolor()}
    with writer.saving(figure, str(path), DPI):
        for step in steps:
            step()
            writer.grab_frame(**style)
        for _ in range(round(fps * hold)):
            writer.grab_frame(**style)
