"""Interactive maps and pictures of up to 3,000,000 points, in headless Chromium without a graphics card.

``python -m benchmarks.interactive`` writes the page, opens and drags it, turns the wheel, shows contours, filters by
the histogram and draws a lasso. It needs Chromium and playwright. The columns are:

- megabytes of the file;
- seconds to make it, to the first picture, and until pointer and search respond;
- milliseconds between frames, median / 95 % quantile, and those of the page's own thread, which depend less on other
  programs;
- seconds of a lasso around a quarter of the map, and of a picture by `EmbeddingDisplay` with its file.

Bars for a million points with a coloring by classes and one by numbers: 8 MB, 5 s to the first picture, 20 ms a frame,
and 5 s for the picture.
"""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import command
from umap_sk import EmbeddingDisplay, interactive

BARS = {"MB": 8.0, "first picture s": 5.0, "picture s": 5.0}
FRAME_BAR = 20.0  # milliseconds
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KINDS = ("whole", "drag", "zoom", "contours", "filter")
FRAMES = """([kind, count]) => new Promise(done => {
  const frames = [];
  const target = document.getElementById(kind === "filter" ? "histogram" : "map");
  const box = target.getBoundingClientRect();
  const place = { bubbles: true, cancelable: true, pointerId: 1, clientX: box.x + box.width / 2, clientY: box.y + 30 };
  let last = performance.now();
  function frame(now) {
    frames.push(now - last);
    last = now;
    if (frames.length > count) return done(frames.slice(2));
    const drag = { ...place, clientX: place.clientX + (frames.length % 60) };
    const turn = { ...place, deltaY: frames.length < count / 2 ? -30 : 30 };
    if (kind === "whole") { if (frames.length % 20 === 1) document.getElementById("theme").click(); }
    else if (kind === "zoom") target.dispatchEvent(new WheelEvent("wheel", turn));
    else target.dispatchEvent(new PointerEvent("pointermove", drag));
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
})"""
"""Moves once a frame, so that each is drawn, and returns the milliseconds of the frames."""


def groups(n):
    """Return twenty round groups of points, and the group of each point."""
    rng = np.random.RandomState(0)
    group = rng.randint(20, size=n)
    centers = np.column_stack([6 * np.cos(np.arange(20)), 6 * np.sin(1.3 * np.arange(20))])
    return (centers[group] + rng.normal(size=(n, 2)) * (0.3 + 0.04 * group[:, None])).astype(np.float32), group


def frames_of(page, kind):
    """Return the milliseconds of each frame of a kind of move, and those of the page's thread."""

    def seconds_of_thread():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    if kind in ("contours", "filter"):
        page.click("#show-contours")
    if kind == "filter":
        page.select_option("#coloring", label="radius")
    page.wait_for_timeout(1000)
    box = page.locator("#histogram" if kind == "filter" else "#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 30)
    if kind not in ("whole", "zoom"):
        page.mouse.down()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = seconds_of_thread()
    frames = page.evaluate(FRAMES, [kind, 60])
    busy = 1000 * (seconds_of_thread() - before) / 60
    page.mouse.up()
    return frames, busy


def measure_page(browser, path, width, height):
    """Return the figures of a page."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(f"file://{path}")
    page.wait_for_selector("html[data-first-picture]", state="attached")
    found = {"first picture s": float(page.evaluate("document.documentElement.dataset.firstPicture")) / 1000}
    page.wait_for_selector("html[data-ready]", state="attached")
    found["ready s"] = page.evaluate("performance.now()") / 1000
    medians = {}
    for kind in KINDS:
        frames, busy = frames_of(page, kind)
        medians[kind] = float(np.median(frames))
        found[f"{kind} ms"] = f"{medians[kind]:.0f} / {np.quantile(frames, 0.95):.0f}, thread {busy:.0f}"
    page.click("#show-all")
    page.keyboard.press("0")
    page.wait_for_timeout(1000)
    page.click("#lasso")
    start = time.perf_counter()
    page.mouse.move(10, 80)
    page.mouse.down()
    for x, y in ((width * 0.4, 80), (width * 0.4, height * 0.5), (10, height * 0.5)):
        page.mouse.move(x, y)
    page.mouse.up()
    page.wait_for_selector("#selection")
    found["lasso s"] = time.perf_counter() - start
    page.close()
    return found, medians


def draw(positions, group):
    """Draw a picture of the points into a file."""
    with tempfile.TemporaryFile() as file:
        EmbeddingDisplay.from_embedding(positions, labels=group).figure_.savefig(file)


def main(arguments=None):
    """Measure, and print a table and the missed bars."""
    import matplotlib
    from playwright.sync_api import sync_playwright

    parser = command.parser("interactive", __doc__)
    parser.add_argument("--rows", default="1e5,1e6,3e6", help="numbers of points, separated by commas")
    parser.add_argument("--size", default="1280x800", help="of the window, in pixels")
    options = parser.parse_args(arguments)
    matplotlib.use("Agg")
    draw(*groups(100))  # imports
    lines, missed = {}, []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for n in (int(float(word)) for word in options.rows.split(",")):
            positions, group = groups(n)
            path = Path(folder) / f"{n}.html"
            colors = {"group": group, "radius": np.linalg.norm(positions, axis=1)}
            _, times = command.timed(interactive, positions, colour=colors, path=path)
            found, medians = measure_page(browser, path, *map(int, options.size.split("x")))
            picture = command.timed(draw, positions, group)[1]["seconds"]
            line = {"MB": path.stat().st_size / 1e6, "made s": times["seconds"], **found, "picture s": picture}
            lines[f"{n:,}"] = line
            if n == 1_000_000:
                missed = [f"{key} {line[key]:.1f}, bar {bar:g}" for key, bar in BARS.items() if line[key] > bar]
                missed += [f"{kind} {ms:.0f} ms, bar {FRAME_BAR:g}" for kind, ms in medians.items() if ms > FRAME_BAR]
        browser.close()
    print(command.markdown(lines, "points"))
    command.conclude(options, {"results": lines}, missed)


if __name__ == "__main__":
    main()
