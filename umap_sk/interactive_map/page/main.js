// The page reads its data, draws the map, and then prepares everything else.

async function start() {
  const about = await jsonOf("about");
  const points = await readPoints(about.rows);
  let table = { names: [], columns: [], index: null };
  const screen = makeScreen(points, tellDrawn);
  const empty = pageElement("empty");
  const bounds = boundsOf(points);
  const names = makeNames(pageElement("names"), about.colorings);
  const contours = makeContours(points, screen);
  const looks = makeLooks(about.colorings, points, screen, names);
  const pictures = makePictures(about.pictures);
  let grid = null;
  const pointed = makePointed(points, screen, makeCard(() => table, pictures), () => grid);
  const showShares = makeShares(points, screen);
  const chosen = makeChosen(points, () => table, (row) => actions.visit(row), recolor);
  const legend = makeLegend(about.colorings, NO_VALUE, points, recolor);
  const actions = makeActions(points, screen, { legend, pointed, chosen, recolor, look, switchTheme: looks.switchTheme });

  function tellDrawn(count, isMoving) {
    const all = points.n.toLocaleString("en");
    const text = count < points.n ? `${count.toLocaleString("en")} of ${all} rows drawn while it moves` : "";
    pageElement("status").textContent = text;
    document.documentElement.dataset.drawn ??= String(Math.round(performance.now()));
    if (!isMoving) contours.update();
    if (grid) tellEmpty();
  }

  // Show whether no row is in view, and how to return to the rows.
  function tellEmpty() {
    const isIn = (box) => (i) => isWithin(points, i, box) && screen.isShown(i);
    const isSeen = (box) => someInCells(grid, box, isIn(box));
    const isEmpty = !isSeen(boxOf(screen.view, screen));
    empty.hidden = !isEmpty;
    if (!isEmpty) return;
    const areHidden = !isSeen(bounds);
    const [text, button] = empty.children;
    const words = areHidden ? "All rows are hidden." : "No rows in view.";
    if (text.textContent !== words) text.textContent = words; // screen readers read it out
    button.textContent = areHidden ? "Show all" : "Show the whole map";
    button.onclick = areHidden ? legend.showAll : actions.fit;
  }

  function recolor(isMoving) {
    const any = chosen.rows().length > 0;
    const count = (isCurrent) => {
      if (!isCurrent) return;
      legend.mark(screen.look.codes, any);
      showShares(any);
    };
    looks.update(legend.current, any, isMoving).then(count).catch(tell);
  }

  function look(view) {
    screen.view = clampView(view, leastScale(screen));
    pointed.place();
    names.place(screen);
    contours.place();
    screen.redraw(true);
  }

  function resize() {
    const { view, fitted } = screen;
    const wasFitted = !fitted || (view.x === fitted.x && view.y === fitted.y && view.scale === fitted.scale);
    screen.resize();
    screen.fitted = fitView(bounds, screen.width, screen.height);
    look(wasFitted ? screen.fitted : view);
  }

  resize();
  pageElement("count").textContent = about.told;
  legend.choose(0);
  onGestures(screen.canvas, actions);
  onKeys(screen.canvas, actions);
  onButtons(actions, recolor, () => screen.redraw(true));
  onSearch(chosen, points.n > 1e5 ? 400 : 120);
  new ResizeObserver(resize).observe(screen.canvas);
  await screen.firstDrawn;
  if (about.hasTable) table = await jsonOf("table");
  const columns = table.names.join(", ");
  pageElement("search").firstElementChild.placeholder = columns ? `Search ${columns}` : "Search #row";
  grid = makeGrid(points);
  document.documentElement.dataset.ready = "yes";
}

function tell(error) {
  pageElement("status").textContent = `The map cannot be shown: ${error.message}`;
  throw error;
}

start().catch(tell);
