"""Seconds and milliseconds of the interactive map of a million points, in a browser without a graphics card.

``python -m benchmarks.interactive`` writes the page, opens it in headless Chromium, drags it, turns the wheel, shows
contours, filters by the histogram and draws a lasso. It needs Chromium and playwright. Columns: megabytes of the file;
seconds to make it, from opening it to the first picture, and until pointer and search answer; milliseconds from one
frame to the next, median and 95 % quantile, while a picture of all points is drawn, while it is dragged and zoomed by
some pixels each frame, while it is dragged with contours, and while the histogram filters; the milliseconds that the
page's thread had the processor in each of these frames, which depend less on other programs; the points drawn in one
of them, median and fewest; seconds of a lasso around a quarter of the map. Last, what a frame of a million points takes
in the same browser by WebGL. Bars, for a million points with a coloring by classes and one by numbers, without text:
8 MB, 5 s to the first picture, 20 ms a frame.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import command, machine
from umap_sk import interactive

MOST_MEGABYTES, MOST_SECONDS, MOST_MILLISECONDS = 8, 5, 20
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KINDS = ("whole", "drag", "zoom", "contours", "filter")
FRAMES = """([kind, count]) => new Promise(done => {
  const frames = [], drawn = [];
  const target = document.getElementById(kind === "filter" ? "histogram" : "map");
  const box = target.getBoundingClientRect();
  const place = { bubbles: true, cancelable: true, pointerId: 1, clientX: box.x + box.width / 2, clientY: box.y + 30 };
  let last = performance.now();
  function frame(now) {
    frames.push(now - last);
    last = now;
    const told = document.getElementById("status").textContent.match(/^([\\d,]+) of/);
    if (told) drawn.push(Number(told[1].replaceAll(",", "")));
    if (frames.length > count) return done({ frames: frames.slice(2), drawn });
    const moved = { ...place, clientX: place.clientX + (frames.length % 60) };
    const turned = { ...place, deltaY: frames.length < count / 2 ? -30 : 30 };
    if (kind === "whole") { if (frames.length % 20 === 1) document.getElementById("theme").click(); }
    else if (kind === "zoom") target.dispatchEvent(new WheelEvent("wheel", turned));
    else target.dispatchEvent(new PointerEvent("pointermove", moved));
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
    page.wait_for_timeout(1000)
    found = {kind: frames_of(page, kind) for kind in KINDS}
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
    page.wait_for_selector("#chosen")
    lasso = time.perf_counter() - start
    page.close()
    drawn = [count for line in found.values() for count in line["drawn"]] or [n]
    return {"first": first, "ready": ready, "lasso": lasso, "drawn": drawn, **found}


def frames_of(page, kind):
    """Frames of a kind of move, and milliseconds of the page's thread in each."""
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    if kind == "contours":
        page.click("#contours-shown")
        page.wait_for_timeout(1000)
    if kind == "filter":
        page.click("#contours-shown")
        page.select_option("#coloring", label="radius")
        page.wait_for_timeout(1000)
        box = page.locator("#histogram").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 30)
    else:
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    if kind not in ("whole", "zoom"):
        page.mouse.down()
    clock = page.context.new_cdp_session(page)
    clock.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy_of(clock)
    line = page.evaluate(FRAMES, [kind, 60])
    line["busy"] = 1000 * (busy_of(clock) - before) / 60
    page.mouse.up()
    return line


def busy_of(clock):
    """Seconds of the processor that the page's thread has taken."""
    metrics = {metric["name"]: metric["value"] for metric in clock.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"]


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
            interactive(positions, colour={"group": group, "radius": np.linalg.norm(positions, axis=1)}, path=path)
            made, size = time.perf_counter() - start, path.stat().st_size / 1e6
            line = results[n] = measure(browser, path, n, width, height) | {"megabytes": size, "made": made}
            frames = [
                f"{statistics.median(line[kind]['frames']):.0f} / {np.quantile(line[kind]['frames'], 0.95):.0f}"
                for kind in KINDS
            ]
            frames.append(", ".join(f"{line[kind]['busy']:.0f}" for kind in KINDS))
            drawn = f"{int(statistics.median(line['drawn'])):,} / {min(line['drawn']):,}"
            seconds = [f"{line[key]:.1f}" for key in ("made", "first", "ready")]
            rows.append([f"{n:,}", f"{size:.1f}", *seconds, *frames, drawn, f"{line['lasso']:.2f}"])
            if n == 1_000_000:
                missed = below_the_bars(line)
        page = browser.new_page()
        page.goto((Path(__file__).parent / "webgl.html").as_uri())
        results["webgl"] = statistics.median(page.evaluate("frames_"))
        browser.close()
    kinds = [*(f"{kind} ms" for kind in KINDS), "processor ms"]
    header = ["points", "MB", "made s", "first picture s", "ready s", *kinds, "points drawn", "lasso s"]
    print(machine.markdown(header, rows))
    print(f"By WebGL, 1,000,000 points: {results['webgl']:.0f} ms a frame.")
    print(f"Bars that are missed: {', '.join(missed) or 'none'}.")
    machine.write(options.json, {"options": vars(options), "results": results})


def below_the_bars(line):
    """The bars that a million points miss."""
    figures = {"size": line["megabytes"] / MOST_MEGABYTES, "first picture": line["first"] / MOST_SECONDS}
    for kind in KINDS:
        figures[kind] = statistics.median(line[kind]["frames"]) / MOST_MILLISECONDS
    return [f"{name} ({share:.2f} of what is allowed)" for name, share in figures.items() if share > 1]


if __name__ == "__main__":
    main()
