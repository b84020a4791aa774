// The view of the map: `x` and `y` of its center in steps, and `scale`, the pixels of the page for each step.

const STEPS = 65535;
const NEAREST = 24; // largest number of pixels for a step

function clampView(view, least) {
  const inside = (value) => Math.min(STEPS, Math.max(0, value));
  return {
    x: inside(view.x),
    y: inside(view.y),
    scale: Math.min(NEAREST, Math.max(least, view.scale)),
  };
}

// Return a view that centers a box of positions [left, bottom, right, top] on a page of the given pixels.
function fitView([left, bottom, right, top], width, height) {
  const scale = Math.min((width * 0.92) / Math.max(right - left, 64), (height * 0.92) / Math.max(top - bottom, 64));
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale };
}

const toPage = (view, size, x, y) => [size.width / 2 + (x - view.x) * view.scale, size.height / 2 - (y - view.y) * view.scale];
const toPlace = (view, size, x, y) => [view.x + (x - size.width / 2) / view.scale, view.y - (y - size.height / 2) / view.scale];

const boxOf = (view, size) => [...toPlace(view, size, 0, size.height), ...toPlace(view, size, size.width, 0)];

const leastScale = (screen) => screen.fitted.scale / 3;

// Return the view after zooming by a factor that keeps the position below a pixel of the page.
function zoomed(view, size, x, y, factor, least) {
  const [placeX, placeY] = toPlace(view, size, x, y);
  const scale = Math.min(NEAREST, Math.max(least, view.scale * factor));
  return clampView(
    { x: placeX - (x - size.width / 2) / scale, y: placeY + (y - size.height / 2) / scale, scale },
    least,
  );
}

function boundsOf(points) {
  const box = [STEPS, STEPS, 0, 0];
  for (let i = 0; i < points.n; i++) {
    box[0] = Math.min(box[0], points.x[i]);
    box[1] = Math.min(box[1], points.y[i]);
    box[2] = Math.max(box[2], points.x[i]);
    box[3] = Math.max(box[3], points.y[i]);
  }
  return box;
}
