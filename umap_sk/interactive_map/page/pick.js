// Search of points by position: the nearest to a position, and those within an outline.

const CELL_BITS = 8;
const CELLS = 1 << (16 - CELL_BITS);

// Sort the points by cells of a grid, by counting.
function makeGrid(points) {
  const starts = new Uint32Array(CELLS * CELLS + 1);
  const getCell = (i) => (points.y[i] >> CELL_BITS) * CELLS + (points.x[i] >> CELL_BITS);
  for (let i = 0; i < points.n; i++) starts[getCell(i) + 1]++;
  for (let cell = 0; cell < CELLS * CELLS; cell++) starts[cell + 1] += starts[cell];
  const next = starts.slice(0, -1);
  const members = new Uint32Array(points.n);
  for (let i = 0; i < points.n; i++) members[next[getCell(i)]++] = i;
  return { starts, members };
}

// Return whether `matches` is true for a point in the cells of a box. It is called until then.
function someInCells({ starts, members }, [left, bottom, right, top], matches) {
  const cell = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(value) >> CELL_BITS));
  for (let line = cell(bottom); line <= cell(top); line++) {
    const last = starts[line * CELLS + cell(right) + 1];
    for (let k = starts[line * CELLS + cell(left)]; k < last; k++) if (matches(members[k])) return true;
  }
  return false;
}

// Return the visible point that is nearest to a position within a radius, or -1.
function findNearestPoint(points, grid, x, y, radius, isShown) {
  let nearest = -1;
  let minimum = radius * radius;
  someInCells(grid, [x - radius, y - radius, x + radius, y + radius], (i) => {
    const distance = (points.x[i] - x) ** 2 + (points.y[i] - y) ** 2;
    if ((distance < minimum || (distance === minimum && i > nearest)) && isShown(i)) {
      minimum = distance;
      nearest = i;
    }
  });
  return nearest;
}

const isWithin = ({ x, y }, i, [left, bottom, right, top]) => x[i] >= left && x[i] <= right && y[i] >= bottom && y[i] <= top;

// Return whether a position is inside an outline [[x, y], ...], by the parity of the edges to its right.
function isInside(outline, x, y) {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [ax, ay] = outline[i];
    const [bx, by] = outline[j];
    if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
  }
  return inside;
}

// Select the points within an outline, in addition to earlier ones if `add` is true. Return the number of selected points.
function selectInside(points, outline, isShown, add) {
  const xs = outline.map((corner) => corner[0]);
  const ys = outline.map((corner) => corner[1]);
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  const matches = (i) => isWithin(points, i, box) && isShown(i) && isInside(outline, points.x[i], points.y[i]);
  return selectWhere(points, matches, add);
}

function selectWhere(points, matches, add) {
  let count = 0;
  for (let i = 0; i < points.n; i++) {
    points.isSelected[i] = (add && points.isSelected[i]) || matches(i) ? 1 : 0;
    count += points.isSelected[i];
  }
  return count;
}
