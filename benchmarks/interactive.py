"""Seconds and milliseconds of the interactive map of a million points, in a browser without a graphics card.

``python -m benchmarks.interactive`` writes the page, opens it in headless Chromium, drags it, turns the wheel and draws
a lasso. It needs Chromium and playwright. Columns: megabytes of the file; seconds to make it, from opening it to the
first picture, and until pointer and search answer; milliseconds a frame, median and 95 % quantile, of all points, and
while it is dragged and zoomed, every frame by some pixels; the fewest points drawn in one of these; seconds of a lasso
around a quarter of the map. Last, what a frame of a million points takes in the same browser by WebGL. Bars, for a
million points without text: 12 MB, 5 s to the first picture, 100 ms a frame while dragged.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import command, machine
from umap_sk import interactive

MOST_MEGABYTES, MOST_SECONDS, MOST_MILLISECONDS = 12, 5, 100
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FRAMES = """([kind, count]) => new Promise(done => {
  const canvas = document.getElementById("map"), frames = [], drawn = [];
  let last = performance.now();
  const box = canvas.getBoundingClientRect();
  const middle = { bubbles: true, cancelable: true, pointerId: 1, clientX: box.x + box.width / 2, clientY: 300 };
  function frame(now) {
    frames.push(now - last);
    last = now;
    const told = document.getElementById("status").textContent.match(/^([\\d,]+) of/);
    if (told) drawn.push(Number(told[1].replaceAll(",", "")));
    if (frames.length > count) return done({ frames: frames.slice(2), drawn });
    const moved = { ...middle, clientX: middle.clientX + 2 * frames.length };
    const turned = { ...middle, deltaY: frames.length < count / 2 ? -30 : 30 };
    if (kind === "whole") document.getElementById("fit").click();
    if (kind === "drag") canvas.dispatchEvent(new PointerEvent("pointermove", moved));
    if (kind === "zoom") canvas.dispatchEvent(new WheelEvent("wheel", turned));
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
})"""
"""Moves once a frame, so that each is drawn: milliseconds of the frames, and points in those that left some out."""


def groups(n):
    """Twenty round groups of points, and which each is of."""
    rng = np.random.RandomState(0)
    group = rng.randint(20, size=n)
    centers = np.column_stack([6 * np.cos(np.arange(20)), 6 * np.sin(1.3 * np.arange(20))])
    return (centers[group] + rng.normal(size=(n, 2)) * (0.3 + 0.04 * group[:, None])).astype(np.float32), group


def measure(browser, path, n, width, height):
    """What a person waits for."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(f"file://{path}")
    page.wait_for_selector("html[data-drawn]", state="attached")
    first = float(page.evaluate("document.documentElement.dataset.drawn")) / 1000
    page.wait_for_selector("html[data-ready]", state="attached")
    ready = page.evaluate("performance.now()") / 1000
    whole = page.evaluate(FRAMES, ["whole", 20])
    page.mouse.move(width / 2, height / 2)
    page.mouse.down()
    dragged = page.evaluate(FRAMES, ["drag", 60])
    page.mouse.up()
    zoomed = page.evaluate(FRAMES, ["zoom", 60])
    page.keyboard.press("0")
    page.wait_for_timeout(500)
    page.click("#lasso")
    start = time.perf_counter()
    page.mouse.move(10, 80)
    page.mouse.down()
    for x, y in ((width * 0.4, 80), (width * 0.4, height * 0.5), (10, height * 0.5)):
        page.mouse.move(x, y)
    page.mouse.up()
    page.wait_for_selector("#chosen")
    lasso = time.perf_counter() - start
    page.close()
    fewest = min([n, *dragged["drawn"], *zoomed["drawn"]])
    frames = {"whole": whole["frames"], "dragged": dragged["frames"], "zoomed": zoomed["frames"]}
    return {"first": first, "ready": ready, **frames, "fewest": fewest, "lasso": lasso}


def main(arguments=None):
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    parser = command.parser("interactive", __doc__)
    parser.add_argument("--rows", default="1e5,1e6,3e6", help="numbers of points, comma-separated")
    parser.add_argument("--size", default="1280x800", help="of the window, pixels")
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    width, height = map(int, options.size.split("x"))
    rows, missed, results = [], [], {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--enable-unsafe-swiftshader"]
        )
        for n in (int(float(word)) for word in options.rows.split(",")):
            positions, group = groups(n)
            path = Path(folder) / f"{n}.html"
            start = time.perf_counter()
            interactive(positions, colour=group, path=path)
            made, size = time.perf_counter() - start, path.stat().st_size / 1e6
            line = results[n] = measure(browser, path, n, width, height) | {"megabytes": size, "made": made}
            frames = [
                f"{statistics.median(line[key]):.0f} / {np.quantile(line[key], 0.95):.0f}"
                for key in ("whole", "dragged", "zoomed")
            ]
            seconds = [f"{line[key]:.1f}" for key in ("made", "first", "ready")]
            rows.append([f"{n:,}", f"{size:.1f}", *seconds, *frames, f"{line['fewest']:,}", f"{line['lasso']:.2f}"])
            if n == 1_000_000:
                missed = below_the_bars(line)
        page = browser.new_page()
        page.goto((Path(__file__).parent / "webgl.html").as_uri())
        results["webgl"] = statistics.median(page.evaluate("frames_"))
        browser.close()
    header = [
        "points",
        "MB",
        "made s",
        "first picture s",
        "ready s",
        "whole ms",
        "drag ms",
        "zoom ms",
        "fewest drawn",
        "lasso s",
    ]
    print(machine.markdown(header, rows))
    print(f"By WebGL, 1,000,000 points: {results['webgl']:.0f} ms a frame.")
    print(f"Bars that are missed: {', '.join(missed) or 'none'}.")
    machine.write(options.json, {"options": vars(options), "results": results})


def below_the_bars(line):
    """The bars that a million points miss."""
    figures = {
        "size": line["megabytes"] / MOST_MEGABYTES,
        "first picture": line["first"] / MOST_SECONDS,
        "drag": statistics.median(line["dragged"]) / MOST_MILLISECONDS,
    }
    return [f"{name} ({share:.2f} of what is allowed)" for name, share in figures.items() if share > 1]


if __name__ == "__main__":
    main()
