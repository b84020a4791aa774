// Which points are where: the nearest to a place, and those within an outline.

const CELL_BITS = 8;
const CELLS = 1 << (16 - CELL_BITS);

// The points by cells of a grid, as a counting sort leaves them.
function makeGrid(points) {
  const starts = new Uint32Array(CELLS * CELLS + 1);
  const cellOf = (i) => (points.y[i] >> CELL_BITS) * CELLS + (points.x[i] >> CELL_BITS);
  for (let i = 0; i < points.n; i++) starts[cellOf(i) + 1]++;
  for (let cell = 0; cell < CELLS * CELLS; cell++) starts[cell + 1] += starts[cell];
  const next = starts.slice(0, -1);
  const members = new Uint32Array(points.n);
  for (let i = 0; i < points.n; i++) members[next[cellOf(i)]++] = i;
  return { starts, members };
}

// The nearest point to a place within a radius, of those that are shown; -1 if there is none.
function nearestPoint(points, grid, x, y, radius, isShown) {
  const cell = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(value) >> CELL_BITS));
  let best = -1;
  let least = radius * radius;
  for (let line = cell(y - radius); line <= cell(y + radius); line++) {
    const first = grid.starts[line * CELLS + cell(x - radius)];
    const last = grid.starts[line * CELLS + cell(x + radius) + 1];
    for (let k = first; k < last; k++) {
      const i = grid.members[k];
      const distance = (points.x[i] - x) ** 2 + (points.y[i] - y) ** 2;
      if ((distance < least || (distance === least && i > best)) && isShown(i)) {
        least = distance;
        best = i;
      }
    }
  }
  return best;
}

// Whether a place is inside an outline [[x, y], ...], by the parity of the edges to its right.
function isInside(outline, x, y) {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [ax, ay] = outline[i];
    const [bx, by] = outline[j];
    if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
  }
  return inside;
}

// Mark the points within an outline as chosen, beside those that are if `add`; how many are chosen then.
function chooseInside(points, outline, isShown, add) {
  const xs = outline.map((corner) => corner[0]);
  const ys = outline.map((corner) => corner[1]);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [bottom, top] = [Math.min(...ys), Math.max(...ys)];
  return chooseWhere(points, (i) => {
    const [x, y] = [points.x[i], points.y[i]];
    return x >= left && x <= right && y >= bottom && y <= top && isShown(i) && isInside(outline, x, y);
  }, add);
}

function chooseWhere(points, isWanted, add) {
  let count = 0;
  for (let i = 0; i < points.n; i++) {
    points.chosen[i] = (add && points.chosen[i]) || isWanted(i) ? 1 : 0;
    count += points.chosen[i];
  }
  return count;
}
