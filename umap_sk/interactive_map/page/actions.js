// Actions of gestures, keys and buttons.

function makeActions(points, screen, parts) {
  const { legend, marker, selection, recolor, setView, switchTheme } = parts;
  let isLassoOn = false;

  function setLasso(isOn) {
    isLassoOn = isOn;
    findElement("lasso").setAttribute("aria-pressed", String(isOn));
    screen.canvas.classList.toggle("lasso", isOn);
  }

  function selectInView() {
    const box = getBox(screen.view, screen);
    selection.select((i) => isWithin(points, i, box) && screen.isShown(i));
  }

  const zoomInMiddle = (factor) => actions.zoom(screen.width / 2, screen.height / 2, factor);
  const actions = {
    isLassoOn: () => isLassoOn,
    pointAt: marker.showNearest,
    pin: marker.pin,
    pinMiddle: () => marker.pin(screen.width / 2, screen.height / 2),
    leave: marker.hide,
    drawOutline(outline) {
      const corners = outline ? `M${outline.map((corner) => corner.join(" ")).join("L")}Z` : "";
      findElement("outline").setAttribute("d", corners);
      if (outline) marker.hide();
    },
    selectInside(outline, add) {
      selection.selectInside(outline.map(([x, y]) => toPosition(screen.view, screen, x, y)), screen.isShown, add);
      setLasso(false);
    },
    move(x, y) {
      const { view } = screen;
      marker.hide();
      setView({ ...view, x: view.x - x / view.scale, y: view.y + y / view.scale });
    },
    zoom(x, y, factor) {
      marker.hide();
      setView(zoomView(screen.view, screen, x, y, factor, getMinScale(screen)));
    },
    moveByArrow(x, y) {
      const step = Math.min(screen.width, screen.height) / 10;
      actions.move(x * step, y * step);
      marker.showNearest(screen.width / 2, screen.height / 2);
    },
    fit() {
      marker.hide();
      setView(screen.fittedView);
    },
    // Close the pinned card. If there is none, clear the selection.
    clear() {
      if (marker.isPinned()) return marker.close();
      findElement("search").firstElementChild.value = "";
      setLasso(false);
      marker.hide();
      selection.clear();
    },
    // Move a row to the middle, zoom in until it stands apart from others, and show its card.
    visit(row) {
      const i = points.row.indexOf(row);
      setView({ x: points.x[i], y: points.y[i], scale: Math.max(screen.view.scale, screen.fittedView.scale * 2) });
      marker.show(i, true);
    },
    switchLasso: () => setLasso(!isLassoOn),
    switchTheme() {
      switchTheme();
      recolor();
    },
    showHelp: () => findElement("help").showModal(),
  };
  actions.keys = {
    "+": () => zoomInMiddle(1.5),
    "=": () => zoomInMiddle(1.5),
    "-": () => zoomInMiddle(1 / 1.5),
    0: actions.fit,
    "/": () => findElement("search").firstElementChild.focus(),
    n: () => selection.step(1),
    p: () => selection.step(-1),
    l: actions.switchLasso,
    v: selectInView,
    c: selection.copy,
    b: legend.showNext,
    o: () => findElement("show-contours").click(),
    d: actions.switchTheme,
    "?": actions.showHelp,
  };
  return actions;
}

function handleButtons(actions, recolor, redraw) {
  const addClick = (id, action) => findElement(id).addEventListener("click", action);
  addClick("lasso", actions.switchLasso);
  addClick("fit", actions.fit);
  addClick("theme", actions.switchTheme);
  addClick("keys", actions.showHelp);
  addClick("close-card", actions.clear);
  addClick("legend-toggle", () => {
    const open = document.body.classList.toggle("legend-open");
    findElement("legend-toggle").setAttribute("aria-expanded", String(open));
  });
  for (const id of ["show-names", "show-contours"]) findElement(id).addEventListener("change", () => recolor());
  findElement("size").addEventListener("input", redraw);
}

// Search: it starts shortly after the last letter, or by Enter, which then moves from row to row.
function handleSearch(selection, delay) {
  const form = findElement("search");
  const input = form.firstElementChild;
  let timer = 0;
  let lastText = null;
  const search = () => {
    clearTimeout(timer);
    lastText = input.value.trim();
    selection.search(lastText);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, delay);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim() !== lastText || !selection.rows().length) search();
    selection.step(1);
  });
}
