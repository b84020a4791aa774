// The page reads its data, draws the map, and then prepares everything else.

async function start() {
  const metadata = await readJson("metadata");
  const points = await readPoints(metadata.rows);
  let table = { names: [], columns: [], index: null };
  const screen = makeScreen(points, reportDrawing);
  const emptyView = findElement("empty-view");
  const bounds = computeBounds(points);
  const names = makeNames(findElement("names"), metadata.colorings);
  const contours = makeContours(points, screen);
  const looks = makeLooks(metadata.colorings, points, screen, names);
  const readPicture = makePictureReader(metadata.pictures);
  let grid = null;
  const marker = makeMarker(points, screen, makeCard(() => table, readPicture), () => grid);
  const updateShares = makeShares(points, screen);
  const selection = makeSelection(points, () => table, (row) => actions.visit(row), recolor);
  const legend = makeLegend(metadata.colorings, NO_VALUE_COLOR, points, recolor);
  const actions = makeActions(points, screen, { legend, marker, selection, recolor, setView, switchTheme: looks.switchTheme });

  function reportDrawing(count, isMoving) {
    const all = points.n.toLocaleString("en");
    const text = count < points.n ? `${count.toLocaleString("en")} of ${all} rows drawn while it moves` : "";
    findElement("status").textContent = text;
    document.documentElement.dataset.firstPicture ??= String(Math.round(performance.now()));
    if (!isMoving) contours.update();
    if (grid) reportEmptyView();
  }

  // Show whether no row is in view, and how to return to the rows.
  function reportEmptyView() {
    const isRowIn = (box) => (i) => isWithin(points, i, box) && screen.isShown(i);
    const hasRows = (box) => someInCells(grid, box, isRowIn(box));
    const isEmpty = !hasRows(getBox(screen.view, screen));
    emptyView.hidden = !isEmpty;
    if (!isEmpty) return;
    const areHidden = !hasRows(bounds);
    const [text, button] = emptyView.children;
    const words = areHidden ? "All rows are hidden." : "No rows in view.";
    if (text.textContent !== words) text.textContent = words; // screen readers read it out
    button.textContent = areHidden ? "Show all" : "Show the whole map";
    button.onclick = areHidden ? legend.showAll : actions.fit;
  }

  function recolor(isMoving) {
    const hasSelection = selection.rows().length > 0;
    const updateCounts = (isCurrent) => {
      if (!isCurrent) return;
      legend.mark(screen.look.codes, hasSelection);
      updateShares(hasSelection);
    };
    looks.update(legend.current, hasSelection, isMoving).then(updateCounts).catch(reportError);
  }

  function setView(view) {
    screen.view = clampView(view, getMinScale(screen));
    marker.place();
    names.place(screen);
    contours.place();
    screen.redraw(true);
  }

  function resize() {
    const { view, fittedView } = screen;
    const wasFitted = !fittedView || (view.x === fittedView.x && view.y === fittedView.y && view.scale === fittedView.scale);
    screen.resize();
    screen.fittedView = fitView(bounds, screen.width, screen.height);
    setView(wasFitted ? screen.fittedView : view);
  }

  resize();
  findElement("caption").textContent = metadata.caption;
  legend.setColoring(0);
  handleGestures(screen.canvas, actions);
  handleKeys(screen.canvas, actions);
  handleButtons(actions, recolor, () => screen.redraw(true));
  handleSearch(selection, points.n > 1e5 ? 400 : 120);
  new ResizeObserver(resize).observe(screen.canvas);
  await screen.firstPicture;
  if (metadata.hasTable) table = await readJson("table");
  const columns = table.names.join(", ");
  findElement("search").firstElementChild.placeholder = columns ? `Search ${columns}` : "Search #row";
  grid = makeGrid(points);
  document.documentElement.dataset.ready = "yes";
}

function reportError(error) {
  findElement("status").textContent = `The map cannot be shown: ${error.message}`;
  throw error;
}

start().catch(reportError);
