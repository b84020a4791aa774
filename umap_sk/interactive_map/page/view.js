// The view of the map: `x` and `y` of its center in steps, and `scale`, the pixels of the page for each step.

const STEPS = 65535;
const MAX_SCALE = 24; // largest number of pixels for a step

function clampView(view, minScale) {
  const clamp = (value) => Math.min(STEPS, Math.max(0, value));
  return {
    x: clamp(view.x),
    y: clamp(view.y),
    scale: Math.min(MAX_SCALE, Math.max(minScale, view.scale)),
  };
}

// Return a view that centers a box of positions [left, bottom, right, top] on a page of the given pixels.
function fitView([left, bottom, right, top], width, height) {
  const scale = Math.min((width * 0.92) / Math.max(right - left, 64), (height * 0.92) / Math.max(top - bottom, 64));
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale };
}

const toPage = (view, size, x, y) => [size.width / 2 + (x - view.x) * view.scale, size.height / 2 - (y - view.y) * view.scale];
const toPosition = (view, size, x, y) => [view.x + (x - size.width / 2) / view.scale, view.y - (y - size.height / 2) / view.scale];

const getBox = (view, size) => [...toPosition(view, size, 0, size.height), ...toPosition(view, size, size.width, 0)];

const getMinScale = (screen) => screen.fittedView.scale / 3;

// Return the view after zooming by a factor that keeps the position below a pixel of the page.
function zoomView(view, size, x, y, factor, minScale) {
  const [positionX, positionY] = toPosition(view, size, x, y);
  const scale = Math.min(MAX_SCALE, Math.max(minScale, view.scale * factor));
  return clampView(
    { x: positionX - (x - size.width / 2) / scale, y: positionY + (y - size.height / 2) / scale, scale },
    minScale,
  );
}

function computeBounds(points) {
  const box = [STEPS, STEPS, 0, 0];
  for (let i = 0; i < points.n; i++) {
    box[0] = Math.min(box[0], points.x[i]);
    box[1] = Math.min(box[1], points.y[i]);
    box[2] = Math.max(box[2], points.x[i]);
    box[3] = Math.max(box[3], points.y[i]);
  }
  return box;
}
