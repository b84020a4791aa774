// The look of the points: codes in the current coloring, colors on a light or dark background, size and opacity.

const THEMES = {
  light: { background: "#ffffff", faint: "#dcdfe4", light: 0 },
  dark: { background: "#15171c", faint: "#3b404a", light: 0.16 },
};
const NO_VALUE = "#8f959e";

// Keep `screen.look` up to date. Call `update` after a change of the legend, the theme or the choice.
function makeLooks(colorings, points, screen, names) {
  const codes = new Map(); // the codes of each coloring, or a promise of them
  let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let latest = null;

  function codesOf(coloring) {
    if (!codes.has(coloring)) {
      const bytes = bytesOf(`codes-${colorings.indexOf(coloring)}`);
      codes.set(coloring, bytes.then((found) => arranged(new Uint8Array(found), points.order)));
    }
    return codes.get(coloring);
  }

  // Fewer dots are larger, and dots grow slowly as the view zooms in.
  function diameter(view) {
    const each = (screen.width * screen.height) / points.n;
    const size = Math.min(8, Math.max(1, 0.7 * each ** 0.4)) * (view.scale / screen.fitted.scale) ** 0.35;
    return Math.min(24, Math.max(0.8, size * 2 ** Number(pageElement("size").value)));
  }

  // Return whether no other coloring was selected meanwhile.
  async function update(coloring, anyChosen, isMoving) {
    latest = coloring;
    const found = await codesOf(coloring);
    if (latest !== coloring) return false;
    const { background, faint, light } = THEMES[theme];
    const colors = colorsOf(coloring, NO_VALUE, coloring.kind === "scale" ? 0 : light);
    screen.look = {
      coloring, codes: found, colors, anyChosen, diameter,
      background: wordOf(background),
      faint: colors.map((color) => (color === 0 ? 0 : wordOf(faint))),
      opacity: points.n > 2e5 ? 0.55 : points.n > 2e4 ? 0.7 : 0.85,
    };
    names.choose(coloring);
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
