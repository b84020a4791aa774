// Events of mouse, fingers and keys on the canvas, which move the view, draw outlines and point at rows.

const CLICK_PIXELS = 5; // pixels that a click may move

function handleGestures(canvas, actions) {
  const fingers = new Map();
  let outline = null;
  let start = [0, 0];
  let isDragged = false;
  const getPosition = (event) => [event.offsetX, event.offsetY];
  const computeCenter = () => {
    const positions = [...fingers.values()];
    const x = positions.reduce((sum, position) => sum + position[0], 0) / positions.length;
    const y = positions.reduce((sum, position) => sum + position[1], 0) / positions.length;
    const width = positions.length > 1 ? Math.hypot(positions[0][0] - positions[1][0], positions[0][1] - positions[1][1]) : 0;
    return { x, y, width };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, getPosition(event));
    start = getPosition(event);
    isDragged = fingers.size > 1;
    outline = fingers.size === 1 && (event.shiftKey || actions.isLassoOn()) ? [getPosition(event)] : null;
    actions.drawOutline(outline);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) {
      if (event.pointerType !== "touch") actions.pointAt(...getPosition(event));
      return;
    }
    const [x, y] = getPosition(event);
    if (outline) {
      outline.push([x, y]);
      actions.drawOutline(outline);
      return;
    }
    if (!isDragged && fingers.size === 1 && Math.hypot(x - start[0], y - start[1]) < CLICK_PIXELS) return;
    isDragged = true;
    const before = computeCenter();
    fingers.set(event.pointerId, [x, y]);
    const after = computeCenter();
    actions.move(after.x - before.x, after.y - before.y);
    if (before.width && after.width) actions.zoom(after.x, after.y, after.width / before.width);
  });
  const release = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (outline && outline.length > 2) actions.selectInside(outline, event.ctrlKey || event.metaKey);
    else if (!isDragged && event.type === "pointerup") actions.pin(event.offsetX, event.offsetY);
    outline = null;
    actions.drawOutline(null);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
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

const ARROW_STEPS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// Keys work everywhere except in text fields, which Escape leaves. Arrows and Enter need the focus on the map.
function handleKeys(canvas, actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target.matches("input[type=search], select");
    const arrow = ARROW_STEPS[event.key];
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") isTyping ? canvas.focus() : actions.clear();
    else if (isTyping) return;
    else if (arrow && event.target === canvas) actions.moveByArrow(arrow[0], arrow[1]);
    else if (event.key === "Enter" && event.target === canvas) actions.pinMiddle();
    else if (actions.keys[event.key.toLowerCase()]) actions.keys[event.key.toLowerCase()]();
    else return;
    event.preventDefault();
  });
}
