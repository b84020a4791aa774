// The canvas: how large, what is drawn when. While the view moves, as many points as can be drawn in a frame's time; at
// rest all, a part in each frame, and shown when they are whole.

const MOST_PIXELS = 4e6; // of the canvas; on larger screens it is coarser
const IN_TIME = 7; // milliseconds of drawing in a frame
const LEAST = 20000; // points in a frame, however slow
const AT_REST = 160; // milliseconds after the last move

const pageElement = (id) => document.getElementById(id);

function makeScreen(points, whenDrawn) {
  const canvas = pageElement("map");
  const context = canvas.getContext("2d", { alpha: false });
  let picture = null;
  let ratio = 1;
  let waiting = false;
  let moving = false;
  let resting = 0;
  let begun = null; // the picture that is being drawn
  let tellFirst = null;
  let hasDrawn = false; // the first picture comes soon, with a part of the points
  let pace = 4e-5; // milliseconds a point, of late
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

  // A picture of what is to be seen now: passes over the points, each with its colors, dots and choice of them.
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

  // Draw soon. Moves that come faster than they can be drawn are drawn once, as the last of them says.
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
