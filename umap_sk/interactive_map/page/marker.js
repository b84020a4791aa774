// The ring and the card of the point under the pointer, or of a point pinned by a click.

const REACH_PIXELS = 14; // radius in pixels within which a pointer finds a point

function makeMarker(points, screen, card, grid) {
  const ring = findElement("ring");
  let current = -1;
  let isPinned = false;

  function place() {
    ring.style.display = current < 0 ? "none" : "";
    if (current < 0) return;
    const [x, y] = toPage(screen.view, screen, points.x[current], points.y[current]);
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
  }

  // Show the card of a point, or none for -1. A pinned card stays until another is pinned or it is closed.
  function show(i, pin = false) {
    if (i === current && pin === isPinned) return;
    [current, isPinned] = [i, pin && i >= 0];
    place();
    if (i < 0) return card.hide();
    const { coloring, codes } = screen.look;
    const name = getName(coloring, codes[i]);
    const color = codes[i] === MISSING_CODE ? NO_VALUE_COLOR : coloring.colors[codes[i]];
    const lines = name === null ? [] : [[coloring.name, name, color]];
    card.show(points.row[i], toPage(screen.view, screen, points.x[i], points.y[i]), lines, isPinned);
  }

  // Return the nearest point within reach of a pixel.
  function findPoint(x, y) {
    if (!grid()) return -1;
    const [positionX, positionY] = toPosition(screen.view, screen, x, y);
    return findNearestPoint(points, grid(), positionX, positionY, REACH_PIXELS / screen.view.scale, screen.isShown);
  }

  return {
    place,
    show,
    isPinned: () => isPinned,
    close: () => show(-1),
    hide: () => isPinned || show(-1),
    showNearest: (x, y) => isPinned || show(findPoint(x, y)),
    pin: (x, y) => show(findPoint(x, y), true),
  };
}
