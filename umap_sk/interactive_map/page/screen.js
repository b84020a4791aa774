// The canvas: how large, what is drawn when. While the view moves, as many points as can be drawn in time; at rest all.

const MOST_PIXELS = 4e6; // of the canvas; on larger screens it is coarser
const IN_TIME = 45; // milliseconds of drawing while the view moves
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
  let tellFirst = null;
  let pace = 4e-5; // milliseconds a point, the last time
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

  function draw() {
    const start = performance.now();
    const { view, look } = screen;
    const inPixels = {
      scale: view.scale * ratio,
      left: canvas.width / 2 - view.x * view.scale * ratio,
      top: canvas.height / 2 + view.y * view.scale * ratio,
    };
    const count = moving ? Math.min(points.n, Math.max(20000, Math.floor(IN_TIME / pace))) : points.n;
    picture.pixels.fill(look.background);
    const paint = (colors, stamp, wanted) =>
      drawPoints(picture, points, look.codes, colors, inPixels, stamp, 0, count, wanted);
    const diameter = look.diameter(view) * ratio;
    if (look.anyChosen) {
      paint(look.faint, makeStamp(diameter, look.opacity * 0.5), 0);
      paint(look.colors, makeStamp(Math.max(diameter * 1.15, 2), 1), 1);
    } else {
      paint(look.colors, makeStamp(diameter, look.opacity), -1);
    }
    context.putImageData(picture.image, -MARGIN, -MARGIN);
    if (count > 50000) pace = (performance.now() - start) / count;
    whenDrawn(count);
    tellFirst();
  }

  // Draw soon. Moves that come faster than they can be drawn are drawn once, as the last of them says.
  screen.redraw = (isMoving = false) => {
    clearTimeout(resting);
    moving = isMoving;
    if (isMoving) resting = setTimeout(() => screen.redraw(), AT_REST);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (picture && screen.look) draw();
    });
  };
  screen.resize = resize;
  return screen;
}
