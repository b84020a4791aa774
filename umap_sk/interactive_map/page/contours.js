// Contours of the density of visible rows. Each line encloses a share of them.

const ENCLOSED_SHARES = [0.2, 0.4, 0.6, 0.8, 0.95];
const WIDTH_BITS = 9; // bits of the steps in a cell
const PADDING_CELLS = 6; // cells around the map
const GRID_SIDE = (1 << (16 - WIDTH_BITS)) + 2 * PADDING_CELLS; // cells along a side
const BLUR_RADIUS = 1; // cells on each side of the moving mean, which is taken three times
const SAMPLE_POINTS = 200000; // number of points, the first of a random order

// Blur along lines. Cells of a line are `stride` apart, and lines are `lineStride` apart.
function blur(cells, stride, lineStride) {
  const sums = new Float32Array(cells.length);
  for (let line = 0; line < GRID_SIDE; line++) {
    const first = line * lineStride;
    let sum = 0;
    for (let k = 0; k < GRID_SIDE + BLUR_RADIUS; k++) {
      if (k < GRID_SIDE) sum += cells[first + k * stride];
      if (k > 2 * BLUR_RADIUS) sum -= cells[first + (k - 2 * BLUR_RADIUS - 1) * stride];
      if (k >= BLUR_RADIUS) sums[first + (k - BLUR_RADIUS) * stride] = Math.max(0, sum);
    }
  }
  return sums;
}

function computeDensity(points, isShown) {
  let cells = new Float32Array(GRID_SIDE * GRID_SIDE);
  for (let i = 0; i < Math.min(points.n, SAMPLE_POINTS); i++) {
    if (isShown(i)) cells[((points.y[i] >> WIDTH_BITS) + PADDING_CELLS) * GRID_SIDE + (points.x[i] >> WIDTH_BITS) + PADDING_CELLS]++;
  }
  for (let time = 0; time < 3; time++) cells = blur(blur(cells, 1, GRID_SIDE), GRID_SIDE, 1);
  return cells;
}

// Return the densities whose lines enclose the shares.
function computeLevels(density) {
  const sorted = density.filter((value) => value >= 0.5).sort().reverse();
  const total = sorted.reduce((sum, value) => sum + value, 0);
  const levels = [];
  let sum = 0;
  for (const value of sorted) {
    sum += value;
    while (levels.length < ENCLOSED_SHARES.length && sum >= ENCLOSED_SHARES[levels.length] * total) levels.push(value);
  }
  return levels;
}

// Return the line of a density, as pieces within cells.
function traceLine(density, level) {
  const pieces = [];
  const toStep = (cell) => Math.round((cell - PADDING_CELLS + 0.5) * (1 << WIDTH_BITS));
  const addCrossing = (cell, neighbor, x, y, toX, toY) => {
    const share = (level - density[cell]) / (density[neighbor] - density[cell]);
    pieces.push(`${toStep(x + share * toX)} ${toStep(y + share * toY)}`);
  };
  for (let y = 0; y < GRID_SIDE - 1; y++) {
    for (let x = 0; x < GRID_SIDE - 1; x++) {
      const [a, b, c, d] = [y * GRID_SIDE + x, y * GRID_SIDE + x + 1, (y + 1) * GRID_SIDE + x + 1, (y + 1) * GRID_SIDE + x];
      const [inA, inB, inC, inD] = [density[a] >= level, density[b] >= level, density[c] >= level, density[d] >= level];
      if (inA === inB && inB === inC && inC === inD) continue;
      if (inA !== inB) addCrossing(a, b, x, y, 1, 0);
      if (inB !== inC) addCrossing(b, c, x + 1, y, 0, 1);
      if (inC !== inD) addCrossing(c, d, x + 1, y + 1, -1, 0);
      if (inD !== inA) addCrossing(d, a, x, y + 1, 0, -1);
    }
  }
  return pieces.map((piece, k) => (k % 2 ? "L" : "M") + piece).join("");
}

function makeContours(points, screen) {
  const path = findElement("contours");
  const box = findElement("show-contours");
  let lastColors = null; // the colors for which the contours were computed, which show the hidden codes

  function place() {
    const { view, width, height } = screen;
    const { x, y, scale } = view;
    path.setAttribute("transform", `matrix(${scale} 0 0 ${-scale} ${width / 2 - x * scale} ${height / 2 + y * scale})`);
  }

  return {
    place,
    // Compute the contours again when the screen rests, if they are switched on and other rows are visible.
    update() {
      const colors = box.checked ? screen.look.colors : null;
      if (colors === lastColors) return;
      lastColors = colors;
      const density = colors && computeDensity(points, screen.isShown);
      path.setAttribute("d", colors ? computeLevels(density).map((level) => traceLine(density, level)).join("") : "");
      place();
    },
  };
}
