// Actions of gestures, keys and buttons.

function makeActions(points, screen, parts) {
  const { legend, pointed, chosen, recolor, look, switchTheme } = parts;
  let isLasso = false;

  function setLasso(on) {
    isLasso = on;
    pageElement("lasso").setAttribute("aria-pressed", String(on));
    screen.canvas.classList.toggle("drawing", on);
  }

  function chooseInView() {
    const box = boxOf(screen.view, screen);
    chosen.choose((i) => isWithin(points, i, box) && screen.isShown(i));
  }

  const zoomInMiddle = (factor) => actions.zoom(screen.width / 2, screen.height / 2, factor);
  const actions = {
    isLasso: () => isLasso,
    point: pointed.at,
    pin: pointed.pin,
    pinMiddle: () => pointed.pin(screen.width / 2, screen.height / 2),
    leave: pointed.hide,
    outline(outline) {
      const corners = outline ? `M${outline.map((corner) => corner.join(" ")).join("L")}Z` : "";
      pageElement("outline").setAttribute("d", corners);
      if (outline) pointed.hide();
    },
    choose(outline, add) {
      chosen.inside(outline.map(([x, y]) => toPlace(screen.view, screen, x, y)), screen.isShown, add);
      setLasso(false);
    },
    move(x, y) {
      const { view } = screen;
      pointed.hide();
      look({ ...view, x: view.x - x / view.scale, y: view.y + y / view.scale });
    },
    zoom(x, y, factor) {
      pointed.hide();
      look(zoomed(screen.view, screen, x, y, factor, leastScale(screen)));
    },
    arrow(x, y) {
      const step = Math.min(screen.width, screen.height) / 10;
      actions.move(x * step, y * step);
      pointed.at(screen.width / 2, screen.height / 2);
    },
    fit() {
      pointed.hide();
      look(screen.fitted);
    },
    // Close the pinned card. If there is none, clear the choice.
    clear() {
      if (pointed.isPinned()) return pointed.close();
      pageElement("search").firstElementChild.value = "";
      setLasso(false);
      pointed.hide();
      chosen.clear();
    },
    // Move a row to the middle, zoom in until it stands apart from others, and show its card.
    visit(row) {
      const i = points.row.indexOf(row);
      look({ x: points.x[i], y: points.y[i], scale: Math.max(screen.view.scale, screen.fitted.scale * 2) });
      pointed.show(i, true);
    },
    switchLasso: () => setLasso(!isLasso),
    switchTheme() {
      switchTheme();
      recolor();
    },
    help: () => pageElement("help").showModal(),
  };
  actions.keys = {
    "+": () => zoomInMiddle(1.5),
    "=": () => zoomInMiddle(1.5),
    "-": () => zoomInMiddle(1 / 1.5),
    0: actions.fit,
    "/": () => pageElement("search").firstElementChild.focus(),
    n: () => chosen.step(1),
    p: () => chosen.step(-1),
    l: actions.switchLasso,
    v: chooseInView,
    c: chosen.copy,
    b: legend.next,
    o: () => pageElement("contours-shown").click(),
    d: actions.switchTheme,
    "?": actions.help,
  };
  return actions;
}

function onButtons(actions, recolor, redraw) {
  const onClick = (id, action) => pageElement(id).addEventListener("click", action);
  onClick("lasso", actions.switchLasso);
  onClick("fit", actions.fit);
  onClick("theme", actions.switchTheme);
  onClick("keys", actions.help);
  onClick("unpin", actions.clear);
  onClick("legend-toggle", () => {
    const open = document.body.classList.toggle("legend-open");
    pageElement("legend-toggle").setAttribute("aria-expanded", String(open));
  });
  for (const id of ["names-shown", "contours-shown"]) pageElement(id).addEventListener("change", () => recolor());
  pageElement("size").addEventListener("input", redraw);
}

// Search: it starts shortly after the last letter, or by Enter, which then moves from row to row.
function onSearch(chosen, wait) {
  const form = pageElement("search");
  const input = form.firstElementChild;
  let soon = 0;
  let last = null;
  const search = () => {
    clearTimeout(soon);
    last = input.value.trim();
    chosen.search(last);
  };
  input.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(search, wait);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim() !== last || !chosen.rows().length) search();
    chosen.step(1);
  });
}
