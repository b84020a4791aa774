// Events of mouse, fingers and keys on the canvas, which move the view, draw outlines and point at rows.

const CLICK = 5; // pixels that a click may move

function onGestures(canvas, actions) {
  const fingers = new Map();
  let outline = null;
  let start = [0, 0];
  let dragged = false;
  const placeOf = (event) => [event.offsetX, event.offsetY];
  const middle = () => {
    const places = [...fingers.values()];
    const x = places.reduce((sum, place) => sum + place[0], 0) / places.length;
    const y = places.reduce((sum, place) => sum + place[1], 0) / places.length;
    const width = places.length > 1 ? Math.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1]) : 0;
    return { x, y, width };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, placeOf(event));
    start = placeOf(event);
    dragged = fingers.size > 1;
    outline = fingers.size === 1 && (event.shiftKey || actions.isLasso()) ? [placeOf(event)] : null;
    actions.outline(outline);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) {
      if (event.pointerType !== "touch") actions.point(...placeOf(event));
      return;
    }
    const [x, y] = placeOf(event);
    if (outline) {
      outline.push([x, y]);
      actions.outline(outline);
      return;
    }
    if (!dragged && fingers.size === 1 && Math.hypot(x - start[0], y - start[1]) < CLICK) return;
    dragged = true;
    const before = middle();
    fingers.set(event.pointerId, [x, y]);
    const now = middle();
    actions.move(now.x - before.x, now.y - before.y);
    if (before.width && now.width) actions.zoom(now.x, now.y, now.width / before.width);
  });
  const released = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (outline && outline.length > 2) actions.choose(outline, event.ctrlKey || event.metaKey);
    else if (!dragged && event.type === "pointerup") actions.pin(event.offsetX, event.offsetY);
    outline = null;
    actions.outline(null);
  };
  canvas.addEventListener("pointerup", released);
  canvas.addEventListener("pointercancel", released);
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && actions.leave());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 20 : 1;
      actions.zoom(event.offsetX, event.offsetY, Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)));
    },
    { passive: false },
  );
  canvas.addEventListener("dblclick", (event) => actions.zoom(event.offsetX, event.offsetY, 2));
}

const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// Keys work everywhere except in text fields, which Escape leaves. Arrows and Enter need the focus on the map.
function onKeys(canvas, actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input[type=search], select");
    const arrow = ARROWS[event.key];
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") typing ? canvas.focus() : actions.clear();
    else if (typing) return;
    else if (arrow && event.target === canvas) actions.arrow(arrow[0], arrow[1]);
    else if (event.key === "Enter" && event.target === canvas) actions.pinMiddle();
    else if (actions.keys[event.key.toLowerCase()]) actions.keys[event.key.toLowerCase()]();
    else return;
    event.preventDefault();
  });
}
