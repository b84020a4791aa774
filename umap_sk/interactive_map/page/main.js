// The page: reads what it carries, draws, then makes the rest ready; joins canvas, legend, card, search and keys.

const THEMES = {
  light: { background: "#ffffff", faint: "#dcdfe4", light: 0 },
  dark: { background: "#15171c", faint: "#3b404a", light: 0.16 },
};
const NO_VALUE = "#8f959e";
const REACH = 14; // pixels around a pointer in which a row is found

async function start() {
  const about = await jsonOf("about");
  const points = await readPoints(about.rows);
  const codes = about.colorings.map(() => null);
  const codesOf = async (which) => (codes[which] ??= arranged(new Uint8Array(await bytesOf(`codes-${which}`)), points.order));
  let table = { names: [], columns: [], index: null };
  const screen = makeScreen(points, tellDrawn);
  const over = { outline: pageElement("outline"), ring: pageElement("ring") };
  const names = makeNames(pageElement("names"));
  let grid = null;
  let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let pointed = -1; // the point whose card is shown
  let isLasso = false;
  let anyChosen = false;
  let fitted = null;

  const legend = makeLegend(about.colorings, NO_VALUE, recolor);
  const pictures = makePictures(about.pictures, about.pictures?.kind === "uris" ? jsonOf("uris") : null);
  const card = makeCard(() => table, pictures);
  const chosen = makeChosen(points, () => table, visit, (any) => {
    anyChosen = any;
    recolor();
  });

  const codesNow = () => codes[about.colorings.indexOf(legend.current)];
  const isShown = (i) => screen.look.colors[screen.look.codes[i]] !== 0;

  function tellDrawn(count) {
    const all = points.n.toLocaleString("en");
    pageElement("status").textContent = count < points.n ? `${count.toLocaleString("en")} of ${all} rows drawn while it moves` : "";
    document.documentElement.dataset.drawn ??= String(Math.round(performance.now()));
  }

  async function recolor() {
    const which = about.colorings.indexOf(legend.current);
    if (!codes[which]) await codesOf(which);
    if (which !== about.colorings.indexOf(legend.current)) return;
    const colors = legend.colors(legend.current.kind === "scale" ? 0 : THEMES[theme].light);
    const faint = colors.map((color) => (color === 0 ? 0 : wordOf(THEMES[theme].faint)));
    const opacity = points.n > 2e5 ? 0.55 : points.n > 2e4 ? 0.7 : 0.85;
    const background = wordOf(THEMES[theme].background);
    screen.look = { codes: codesNow(), colors, faint, opacity, background, anyChosen, diameter };
    names.choose(legend.current);
    names.place(screen);
    screen.redraw();
  }

  function diameter(view) {
    const each = (screen.width * screen.height) / points.n;
    const size = Math.min(8, Math.max(1, 0.7 * each ** 0.4)) * (view.scale / fitted.scale) ** 0.35;
    return Math.min(24, Math.max(0.8, size * 2 ** Number(pageElement("size").value)));
  }

  const least = () => fitted.scale / 3;

  function look(view, isMoving = true) {
    screen.view = clampView(view, least());
    placeRing();
    names.place(screen);
    screen.redraw(isMoving);
  }

  function resize() {
    const wasFitted = screen.view === null || (fitted && screen.view.x === fitted.x && screen.view.scale === fitted.scale);
    screen.resize();
    fitted = fitView(boundsOfAll, screen.width, screen.height);
    if (wasFitted) screen.view = fitted;
    look(screen.view, false);
  }

  const fit = () => look(fitted, false);

  function placeRing() {
    over.ring.style.display = pointed < 0 ? "none" : "";
    if (pointed < 0) return;
    const [x, y] = toPage(screen.view, screen, points.x[pointed], points.y[pointed]);
    over.ring.setAttribute("cx", x);
    over.ring.setAttribute("cy", y);
  }

  function showCard(i) {
    if (i === pointed) return;
    pointed = i;
    placeRing();
    if (i < 0) return card.hide();
    const first = about.colorings.flatMap((coloring, which) => {
      const name = coloring === legend.current ? legend.nameOf(codes[which][i]) : null;
      return name === null ? [] : [[coloring.name, name, legend.colorOf(codes[which][i])]];
    });
    card.show(points.row[i], toPage(screen.view, screen, points.x[i], points.y[i]), about.isPlain ? [] : first);
  }

  function pointAt(x, y) {
    if (!grid || !screen.look) return;
    const [placeX, placeY] = toPlace(screen.view, screen, x, y);
    showCard(nearestPoint(points, grid, placeX, placeY, REACH / screen.view.scale, isShown));
  }

  // Bring a row to the middle, near enough to tell it from others, with its card.
  function visit(row) {
    const i = points.row.indexOf(row);
    look({ x: points.x[i], y: points.y[i], scale: Math.max(screen.view.scale, fitted.scale * 2) }, false);
    pointed = -1;
    showCard(i);
  }

  const actions = {
    isLasso: () => isLasso,
    outline(outline) {
      over.outline.setAttribute("d", outline ? `M${outline.map((corner) => corner.join(" ")).join("L")}Z` : "");
      if (outline) showCard(-1);
    },
    choose(outline, add) {
      chosen.inside(outline.map(([x, y]) => toPlace(screen.view, screen, x, y)), isShown, add);
      setLasso(false);
    },
    move(x, y) {
      const { view } = screen;
      showCard(-1);
      look({ ...view, x: view.x - x / view.scale, y: view.y + y / view.scale });
    },
    zoom: (x, y, factor) => look(zoomed(screen.view, screen, x, y, factor, least())),
    point: pointAt,
    click: pointAt,
    leave: () => {},
    arrow(x, y) {
      const step = Math.min(screen.width, screen.height) / 10;
      actions.move(x * step, y * step);
      pointAt(screen.width / 2, screen.height / 2);
    },
    clear() {
      pageElement("search").firstElementChild.value = "";
      setLasso(false);
      showCard(-1);
      chosen.clear();
    },
    keys: {
      "+": () => actions.zoom(screen.width / 2, screen.height / 2, 1.5),
      "=": () => actions.keys["+"](),
      "-": () => actions.zoom(screen.width / 2, screen.height / 2, 1 / 1.5),
      0: fit,
      "/": () => pageElement("search").firstElementChild.focus(),
      n: () => chosen.step(1),
      p: () => chosen.step(-1),
      l: () => setLasso(!isLasso),
      v: chooseInView,
      c: chosen.copy,
      b: legend.next,
      d: switchTheme,
      "?": () => pageElement("help").showModal(),
    },
  };

  function chooseInView() {
    const [left, top] = toPlace(screen.view, screen, 0, 0);
    const [right, bottom] = toPlace(screen.view, screen, screen.width, screen.height);
    const isWithin = (i) => points.x[i] >= left && points.x[i] <= right && points.y[i] >= bottom && points.y[i] <= top;
    chosen.choose((i) => isWithin(i) && isShown(i));
  }

  function setLasso(on) {
    isLasso = on;
    pageElement("lasso").setAttribute("aria-pressed", String(on));
    screen.canvas.classList.toggle("drawing", on);
  }

  function switchTheme() {
    theme = theme === "dark" ? "light" : "dark";
    setTheme();
    recolor();
  }

  function setTheme() {
    document.documentElement.dataset.theme = theme;
  }

  function listen() {
    onGestures(screen.canvas, actions);
    onKeys(screen.canvas, actions);
    new ResizeObserver(resize).observe(screen.canvas);
    pageElement("lasso").addEventListener("click", () => setLasso(!isLasso));
    pageElement("fit").addEventListener("click", fit);
    pageElement("theme").addEventListener("click", switchTheme);
    pageElement("keys").addEventListener("click", actions.keys["?"]);
    pageElement("names-shown").addEventListener("change", recolor);
    pageElement("size").addEventListener("input", () => screen.redraw(true));
    pageElement("legend-toggle").addEventListener("click", () => {
      const open = document.body.classList.toggle("legend-open");
      pageElement("legend-toggle").setAttribute("aria-expanded", String(open));
    });
    const search = pageElement("search");
    let soon = 0;
    search.firstElementChild.addEventListener("input", () => {
      clearTimeout(soon);
      soon = setTimeout(() => chosen.search(search.firstElementChild.value.trim()), points.n > 1e5 ? 400 : 120);
    });
    search.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(soon);
      const text = search.firstElementChild.value.trim();
      if (text !== search.dataset.last || !chosen.rows().length) chosen.search(text);
      search.dataset.last = text;
      chosen.step(1);
    });
  }

  const boundsOfAll = boundsOf(points);
  setTheme();
  pageElement("count").textContent = about.told;
  await codesOf(0);
  screen.resize();
  fitted = screen.view = fitView(boundsOfAll, screen.width, screen.height);
  legend.choose(0);
  listen();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  if (about.hasTable) table = await jsonOf("table");
  grid = makeGrid(points);
  pageElement("search").firstElementChild.placeholder = table.names.length ? `Search ${table.names.join(", ")}` : "Search #row";
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  pageElement("status").textContent = `The map cannot be shown: ${error.message}`;
  throw error;
});
