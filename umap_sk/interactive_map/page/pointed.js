// The ring and the card of the point under the pointer, or of a point pinned by a click.

const REACH = 14; // radius in pixels within which a pointer finds a point

function makePointed(points, screen, card, grid) {
  const ring = pageElement("ring");
  let pointed = -1;
  let isPinned = false;

  function place() {
    ring.style.display = pointed < 0 ? "none" : "";
    if (pointed < 0) return;
    const [x, y] = toPage(screen.view, screen, points.x[pointed], points.y[pointed]);
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
  }

  // Show the card of a point, or none for -1. A pinned card stays until another is pinned or it is closed.
  function show(i, pin = false) {
    if (i === pointed && pin === isPinned) return;
    [pointed, isPinned] = [i, pin && i >= 0];
    place();
    if (i < 0) return card.hide();
    const { coloring, codes } = screen.look;
    const name = nameOf(coloring, codes[i]);
    const color = codes[i] === MISSING ? NO_VALUE : coloring.colors[codes[i]];
    const first = name === null ? [] : [[coloring.name, name, color]];
    card.show(points.row[i], toPage(screen.view, screen, points.x[i], points.y[i]), first, isPinned);
  }

  // Return the nearest point within reach of a pixel.
  function near(x, y) {
    if (!grid()) return -1;
    const [placeX, placeY] = toPlace(screen.view, screen, x, y);
    return nearestPoint(points, grid(), placeX, placeY, REACH / screen.view.scale, screen.isShown);
  }

  return {
    place,
    show,
    isPinned: () => isPinned,
    close: () => show(-1),
    hide: () => isPinned || show(-1),
    at: (x, y) => isPinned || show(near(x, y)),
    pin: (x, y) => show(near(x, y), true),
  };
}
