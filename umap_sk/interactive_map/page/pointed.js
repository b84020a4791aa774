// The point that is pointed at: its ring and its card.

const REACH = 14; // pixels around a pointer in which a point is found

function makePointed(points, screen, card) {
  const ring = pageElement("ring");
  let grid = null;
  let pointed = -1;

  function place() {
    ring.style.display = pointed < 0 ? "none" : "";
    if (pointed < 0) return;
    const [x, y] = toPage(screen.view, screen, points.x[pointed], points.y[pointed]);
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
  }

  // Show the card of a point, none for -1.
  function show(i) {
    if (i === pointed) return;
    pointed = i;
    place();
    if (i < 0) return card.hide();
    const { coloring, codes } = screen.look;
    const name = nameOf(coloring, codes[i]);
    const color = codes[i] === MISSING ? NO_VALUE : coloring.colors[codes[i]];
    const first = name === null ? [] : [[coloring.name, name, color]];
    card.show(points.row[i], toPage(screen.view, screen, points.x[i], points.y[i]), first);
  }

  const isShown = (i) => screen.look.colors[screen.look.codes[i]] !== 0;

  return {
    place,
    show,
    hide: () => show(-1),
    isShown,
    // Show the card of the nearest point within reach of a pixel.
    at(x, y) {
      if (!grid) return;
      const [placeX, placeY] = toPlace(screen.view, screen, x, y);
      show(nearestPoint(points, grid, placeX, placeY, REACH / screen.view.scale, isShown));
    },
    prepare: () => (grid = makeGrid(points)),
  };
}
