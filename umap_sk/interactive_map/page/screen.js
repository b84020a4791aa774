// The canvas, its size, and its frames. While the view moves, a frame draws as many points as its time allows. At rest,
// each frame draws a part of all points, and the complete picture is shown.

const MAX_PIXELS = 4e6; // pixels of the canvas, which is coarser on larger screens
const FRAME_MILLISECONDS = 7; // time of drawing in a frame
const MIN_FRAME_POINTS = 20000; // smallest number of points in a frame
const REST_MILLISECONDS = 160; // time from the last move to the complete picture

const findElement = (id) => document.getElementById(id);

function makeScreen(points, onDraw) {
  const canvas = findElement("map");
  const context = canvas.getContext("2d", { alpha: false });
  let picture = null;
  let ratio = 1;
  let isWaiting = false;
  let isMoving = false;
  let restTimer = 0;
  let drawing = null; // the picture in progress
  let resolveFirst = null;
  let hasDrawn = false; // the first picture appears soon, with a part of the points
  let millisecondsPerPoint = 4e-5; // recently
  const firstPicture = new Promise((done) => (resolveFirst = done));
  const screen = { canvas, width: 0, height: 0, look: null, view: null, fittedView: null, firstPicture };

  function resize() {
    const { clientWidth, clientHeight } = canvas;
    if (!clientWidth || !clientHeight) return;
    [screen.width, screen.height] = [clientWidth, clientHeight];
    ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(MAX_PIXELS / (clientWidth * clientHeight)));
    canvas.width = Math.round(clientWidth * ratio);
    canvas.height = Math.round(clientHeight * ratio);
    picture = makePicture(canvas.width, canvas.height);
  }

  // Start a picture of the current view: passes over the points, each with its colors, dots and selection.
  function startPicture() {
    const { view, look } = screen;
    const diameter = look.computeDiameter(view) * ratio;
    const pixelView = {
      scale: view.scale * ratio,
      left: canvas.width / 2 - view.x * view.scale * ratio,
      top: canvas.height / 2 + view.y * view.scale * ratio,
    };
    const passes = look.hasSelection
      ? [
          [look.faintColors, makeStamp(diameter, look.opacity * 0.5), 0],
          [look.colors, makeStamp(Math.max(diameter * 1.15, 2), 1), 1],
        ]
      : [[look.colors, makeStamp(diameter, look.opacity), -1]];
    const pointsPerFrame = Math.max(MIN_FRAME_POINTS, Math.floor(FRAME_MILLISECONDS / millisecondsPerPoint));
    picture.pixels.fill(look.background);
    const count = isMoving ? Math.min(points.n, pointsPerFrame) : points.n;
    return { passes, pixelView, pointsPerFrame, codes: look.codes, from: 0, count };
  }

  function draw() {
    const start = performance.now();
    drawing ??= startPicture();
    let remaining = isMoving ? Infinity : drawing.pointsPerFrame;
    let count = 0;
    while (remaining > 0 && drawing.passes.length) {
      const [colors, stamp, filter] = drawing.passes[0];
      const to = Math.min(drawing.count, drawing.from + remaining);
      drawPoints(picture, points, drawing.codes, colors, drawing.pixelView, stamp, drawing.from, to, filter);
      count += to - drawing.from;
      remaining -= to - drawing.from;
      drawing.from = to % drawing.count;
      if (to === drawing.count) drawing.passes.shift();
    }
    if (count >= MIN_FRAME_POINTS) {
      const recent = (performance.now() - start) / Math.min(count, drawing.count);
      millisecondsPerPoint = (2 * millisecondsPerPoint + recent) / 3;
    }
    if (drawing.passes.length) return requestDraw();
    context.putImageData(picture.image, -MARGIN, -MARGIN);
    onDraw(drawing.count, isMoving);
    drawing = null;
    hasDrawn = true;
    resolveFirst();
  }

  function requestDraw() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      if (picture && screen.look) draw();
    });
  }

  // Draw soon. If moves come faster than they can be drawn, only the last one is drawn.
  screen.redraw = (isViewMoving = false) => {
    clearTimeout(restTimer);
    isMoving = isViewMoving || !hasDrawn;
    drawing = null;
    if (isMoving) restTimer = setTimeout(() => screen.redraw(), REST_MILLISECONDS);
    requestDraw();
  };
  screen.resize = resize;
  screen.isShown = (i) => screen.look.colors[screen.look.codes[i]] !== 0;
  return screen;
}
