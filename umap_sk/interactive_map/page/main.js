// The page: reads what it carries, draws, then makes the rest ready.

async function start() {
  const about = await jsonOf("about");
  const points = await readPoints(about.rows);
  let table = { names: [], columns: [], index: null };
  const screen = makeScreen(points, tellDrawn);
  const bounds = boundsOf(points);
  const names = makeNames(pageElement("names"));
  const looks = makeLooks(about.colorings, points, screen, names);
  const pictures = makePictures(about.pictures);
  const pointed = makePointed(points, screen, makeCard(() => table, pictures));
  const chosen = makeChosen(points, () => table, (row) => actions.visit(row), recolor);
  const legend = makeLegend(about.colorings, NO_VALUE, recolor);
  const actions = makeActions(points, screen, { legend, pointed, chosen, recolor, look, switchTheme: looks.switchTheme });

  function tellDrawn(count) {
    const all = points.n.toLocaleString("en");
    const text = count < points.n ? `${count.toLocaleString("en")} of ${all} rows drawn while it moves` : "";
    pageElement("status").textContent = text;
    document.documentElement.dataset.drawn ??= String(Math.round(performance.now()));
  }

  function recolor() {
    looks.update(legend.current, chosen.rows().length > 0).catch(tell);
  }

  function look(view, isMoving = true) {
    screen.view = clampView(view, leastScale(screen));
    pointed.place();
    names.place(screen);
    screen.redraw(isMoving);
  }

  function resize() {
    const { view, fitted } = screen;
    const wasFitted = !fitted || (view.x === fitted.x && view.y === fitted.y && view.scale === fitted.scale);
    screen.resize();
    screen.fitted = fitView(bounds, screen.width, screen.height);
    look(wasFitted ? screen.fitted : view, false);
  }

  resize();
  pageElement("count").textContent = about.told;
  legend.choose(0);
  onPointers();
  onGestures(screen.canvas, actions);
  onKeys(screen.canvas, actions);
  onButtons(actions, recolor, () => screen.redraw(true));
  onSearch(chosen, points.n > 1e5 ? 400 : 120);
  new ResizeObserver(resize).observe(screen.canvas);
  await screen.firstDrawn;
  if (about.hasTable) table = await jsonOf("table");
  const columns = table.names.join(", ");
  pageElement("search").firstElementChild.placeholder = columns ? `Search ${columns}` : "Search #row";
  pointed.prepare();
  document.documentElement.dataset.ready = "yes";
}

function tell(error) {
  pageElement("status").textContent = `The map cannot be shown: ${error.message}`;
  throw error;
}

start().catch(tell);
