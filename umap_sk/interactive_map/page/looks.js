// The look of the points: codes in the current coloring, colors on a light or dark background, size and opacity.

const THEMES = {
  light: { background: "#ffffff", faint: "#dcdfe4", whiteShare: 0 },
  dark: { background: "#15171c", faint: "#3b404a", whiteShare: 0.16 },
};
const NO_VALUE_COLOR = "#8f959e";

// Keep `screen.look` up to date. Call `update` after a change of the legend, the theme or the selection.
function makeLooks(colorings, points, screen, names) {
  const codesByColoring = new Map(); // the codes of each coloring, or a promise of them
  let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let lastColoring = null;

  function readCodes(coloring) {
    if (!codesByColoring.has(coloring)) {
      const bytes = readBytes(`codes-${colorings.indexOf(coloring)}`);
      codesByColoring.set(coloring, bytes.then((values) => reorder(new Uint8Array(values), points.order)));
    }
    return codesByColoring.get(coloring);
  }

  // Fewer dots are larger, and dots grow slowly as the view zooms in.
  function computeDiameter(view) {
    const pixelsPerPoint = (screen.width * screen.height) / points.n;
    const size = Math.min(8, Math.max(1, 0.7 * pixelsPerPoint ** 0.4)) * (view.scale / screen.fittedView.scale) ** 0.35;
    return Math.min(24, Math.max(0.8, size * 2 ** Number(findElement("size").value)));
  }

  // Return whether no other coloring was selected meanwhile.
  async function update(coloring, hasSelection, isMoving) {
    lastColoring = coloring;
    const codes = await readCodes(coloring);
    if (lastColoring !== coloring) return false;
    const { background, faint, whiteShare } = THEMES[theme];
    const colors = packColors(coloring, NO_VALUE_COLOR, coloring.kind === "scale" ? 0 : whiteShare);
    screen.look = {
      coloring, codes, colors, hasSelection, computeDiameter,
      background: packColor(background),
      faintColors: colors.map((color) => (color === 0 ? 0 : packColor(faint))),
      opacity: points.n > 2e5 ? 0.55 : points.n > 2e4 ? 0.7 : 0.85,
    };
    names.setColoring(coloring);
    names.place(screen);
    screen.redraw(isMoving);
    return true;
  }

  function setTheme(name) {
    theme = name;
    document.documentElement.dataset.theme = name;
  }

  setTheme(theme);
  return { update, switchTheme: () => setTheme(theme === "dark" ? "light" : "dark") };
}
