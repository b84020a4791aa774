// The canvas, its size, and its frames. While the view moves, a frame draws as many points as its time allows. At rest,
// each frame draws a part of all points, and the complete picture is shown.

const MOST_PIXELS = 4e6; // pixels of the canvas, which is coarser on larger screens
const IN_TIME = 7; // milliseconds of drawing in a frame
const LEAST = 20000; // least number of points in a frame
const AT_REST = 160; // milliseconds from the last move to the complete picture

const pageElement = (id) => document.getElementById(id);

function makeScreen(points, whenDrawn) {
  const canvas = pageElement("map");
  const context = canvas.getContext("2d", { alpha: false });
  let picture = null;
  let ratio = 1;
  let waiting = false;
  let moving = false;
  let resting = 0;
  let begun = null; // the unfinished picture
  let tellFirst = null;
  let hasDrawn = false; // the first picture appears soon, with a part of the points
  let pace = 4e-5; // recent milliseconds for each point
  const firstDrawn = new Promise((done) => (tellFirst = done));
  const screen = { canvas, width: 0, height: 0, look: null, view: null, fitted: null, firstDrawn };

  function resize() {
    const { clientWidth, clientHeight } = canvas;
    if (!clientWidth || !clientHeight) return;
    [screen.width, screen.height] = [clientWidth, clientHeight];
    ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (clientWidth * clientHeight)));
    canvas.width = Math.round(clientWidth * ratio);
    canvas.height = Math.round(clientHeight * ratio);
    picture = makePicture(canvas.width, canvas.height);
  }

  // Start a picture of the current view: passes over the points, each with its colors, dots and selection.
  function begin() {
    const { view, look } = screen;
    const diameter = look.diameter(view) * ratio;
    const inPixels = {
      scale: view.scale * ratio,
      left: canvas.width / 2 - view.x * view.scale * ratio,
      top: canvas.height / 2 + view.y * view.scale * ratio,
    };
    const passes = look.anyChosen
      ? [[look.faint, makeStamp(diameter, look.opacity * 0.5), 0], [look.colors, makeStamp(Math.max(diameter * 1.15, 2), 1), 1]]
      : [[look.colors, makeStamp(diameter, look.opacity), -1]];
    const inTime = Math.max(LEAST, Math.floor(IN_TIME / pace));
    picture.pixels.fill(look.background);
    return { passes, inPixels, inTime, codes: look.codes, from: 0, upTo: moving ? Math.min(points.n, inTime) : points.n };
  }

  function draw() {
    const start = performance.now();
    begun ??= begin();
    let left = moving ? Infinity : begun.inTime;
    let count = 0;
    while (left > 0 && begun.passes.length) {
      const [colors, stamp, wanted] = begun.passes[0];
      const to = Math.min(begun.upTo, begun.from + left);
      drawPoints(picture, points, begun.codes, colors, begun.inPixels, stamp, begun.from, to, wanted);
      count += to - begun.from;
      left -= to - begun.from;
      begun.from = to % begun.upTo;
      if (to === begun.upTo) begun.passes.shift();
    }
    if (count >= LEAST) pace = (2 * pace + (performance.now() - start) / Math.min(count, begun.upTo)) / 3;
    if (begun.passes.length) return drawSoon();
    context.putImageData(picture.image, -MARGIN, -MARGIN);
    whenDrawn(begun.upTo, moving);
    begun = null;
    hasDrawn = true;
    tellFirst();
  }

  function drawSoon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (picture && screen.look) draw();
    });
  }

  // Draw soon. If moves come faster than they can be drawn, only the last one is drawn.
  screen.redraw = (isMoving = false) => {
    clearTimeout(resting);
    moving = isMoving || !hasDrawn;
    begun = null;
    if (moving) resting = setTimeout(() => screen.redraw(), AT_REST);
    drawSoon();
  };
  screen.resize = resize;
  screen.isShown = (i) => screen.look.colors[screen.look.codes[i]] !== 0;
  return screen;
}
