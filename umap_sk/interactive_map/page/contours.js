// Contours of the density of visible rows. Each line encloses a share of them.

const ENCLOSED = [0.2, 0.4, 0.6, 0.8, 0.95];
const WIDTH_BITS = 9; // bits of the steps in a cell
const PADDING = 6; // cells around the map
const GRID = (1 << (16 - WIDTH_BITS)) + 2 * PADDING; // cells along a side
const BLUR = 1; // cells on each side of the moving mean, which is taken three times
const SAMPLE = 200000; // number of points, the first of a random order

// Blur along lines. Cells of a line are `by` apart, and lines are `across` apart.
function blurred(cells, by, across) {
  const found = new Float32Array(cells.length);
  for (let line = 0; line < GRID; line++) {
    const first = line * across;
    let sum = 0;
    for (let k = 0; k < GRID + BLUR; k++) {
      if (k < GRID) sum += cells[first + k * by];
      if (k > 2 * BLUR) sum -= cells[first + (k - 2 * BLUR - 1) * by];
      if (k >= BLUR) found[first + (k - BLUR) * by] = Math.max(0, sum);
    }
  }
  return found;
}

function densityOf(points, isShown) {
  let cells = new Float32Array(GRID * GRID);
  for (let i = 0; i < Math.min(points.n, SAMPLE); i++) {
    if (isShown(i)) cells[((points.y[i] >> WIDTH_BITS) + PADDING) * GRID + (points.x[i] >> WIDTH_BITS) + PADDING]++;
  }
  for (let time = 0; time < 3; time++) cells = blurred(blurred(cells, 1, GRID), GRID, 1);
  return cells;
}

// Return the densities whose lines enclose the shares.
function levelsOf(density) {
  const sorted = density.filter((value) => value >= 0.5).sort().reverse();
  const total = sorted.reduce((sum, value) => sum + value, 0);
  const levels = [];
  let sum = 0;
  for (const value of sorted) {
    sum += value;
    while (levels.length < ENCLOSED.length && sum >= ENCLOSED[levels.length] * total) levels.push(value);
  }
  return levels;
}

// Return the line of a density, as pieces within cells.
function lineOf(density, level) {
  const pieces = [];
  const step = (cell) => Math.round((cell - PADDING + 0.5) * (1 << WIDTH_BITS));
  const cross = (place, other, x, y, toX, toY) => {
    const share = (level - density[place]) / (density[other] - density[place]);
    pieces.push(`${step(x + share * toX)} ${step(y + share * toY)}`);
  };
  for (let y = 0; y < GRID - 1; y++) {
    for (let x = 0; x < GRID - 1; x++) {
      const [a, b, c, d] = [y * GRID + x, y * GRID + x + 1, (y + 1) * GRID + x + 1, (y + 1) * GRID + x];
      const [inA, inB, inC, inD] = [density[a] >= level, density[b] >= level, density[c] >= level, density[d] >= level];
      if (inA === inB && inB === inC && inC === inD) continue;
      if (inA !== inB) cross(a, b, x, y, 1, 0);
      if (inB !== inC) cross(b, c, x + 1, y, 0, 1);
      if (inC !== inD) cross(c, d, x + 1, y + 1, -1, 0);
      if (inD !== inA) cross(d, a, x, y + 1, 0, -1);
    }
  }
  return pieces.map((piece, k) => (k % 2 ? "L" : "M") + piece).join("");
}

function makeContours(points, screen) {
  const path = pageElement("contours");
  const box = pageElement("contours-shown");
  let drawn = null; // the colors for which the contours were computed, which show the hidden codes

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
      if (colors === drawn) return;
      drawn = colors;
      const density = colors && densityOf(points, screen.isShown);
      path.setAttribute("d", colors ? levelsOf(density).map((level) => lineOf(density, level)).join("") : "");
      place();
    },
  };
}
