// Colorings: the codes of the points, the color of each code, and the list that shows and hides classes.

const wordOf = (hex) => {
  const value = parseInt(hex.slice(1), 16);
  return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >>> 16)) >>> 0;
};

// Return a gradient of 255 colors through the stops of a scale.
function gradient(stops) {
  const channels = stops.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: MISSING }, (_, code) => {
    const place = (code / (MISSING - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const mixed = channels[low].map((value, k) => Math.round(value + (channels[low + 1][k] - value) * (place - low)));
    return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  });
}

// Mix a color with white, for dark backgrounds.
const lighter = (word, share) =>
  [0, 8, 16].reduce((sum, at) => {
    const value = (word >>> at) & 0xff;
    return sum + Math.round(value + share * (255 - value)) * 2 ** at;
  }, 0xff000000);

// Return the colors of all codes as pixels, and 0 for hidden ones.
function colorsOf(coloring, missing, light) {
  const colors = new Uint32Array(256);
  coloring.colors.forEach((hex, code) => (colors[code] = lighter(wordOf(hex), light)));
  colors[MISSING] = wordOf(missing);
  for (const code of coloring.hidden) colors[code] = 0;
  return colors;
}

function makeLegend(colorings, missing, points, whenChanged) {
  const list = pageElement("classes");
  const select = pageElement("coloring");
  const histogram = makeHistogram(() => show(null, true));
  let current = 0;

  function entry(code, name, count, color) {
    const coloring = colorings[current];
    const item = document.createElement("li");
    const button = document.createElement("button");
    const dot = document.createElement("i");
    const text = document.createElement("span");
    const number = document.createElement("small");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!coloring.hidden.has(code)));
    button.title = "Click: hide or show. Double click: this class alone.";
    dot.style.background = color;
    text.textContent = name;
    number.textContent = count.toLocaleString("en");
    button.append(dot, text, number);
    button.addEventListener("click", (event) => {
      const all = codesOf(coloring);
      if (event.detail === 2) coloring.hidden = new Set(all.filter((other) => other !== code));
      else if (!coloring.hidden.delete(code)) coloring.hidden.add(code);
      show(code);
    });
    item.append(button);
    item.dataset.code = code;
    return item;
  }

  const codesOf = (coloring) => coloring.entries.map(([code]) => code);

  // Build the list of the current coloring, and give the focus to the entry of a code.
  function show(focused = null, isMoving = false) {
    const coloring = colorings[current];
    const isScale = coloring.kind === "scale";
    pageElement("scale").hidden = !isScale;
    if (isScale) {
      showScale(coloring);
      histogram.show(coloring);
    }
    const at = list.scrollTop;
    list.replaceChildren(...coloring.entries.map((parts) => entry(...parts)));
    list.scrollTop = at;
    pageElement("legend-buttons").hidden = !isScale && coloring.entries.length < 2;
    pageElement("show-none").hidden = isScale;
    if (focused !== null) list.querySelector(`[data-code="${focused}"] button`).focus({ preventScroll: true });
    whenChanged(isMoving);
  }

  function choose(which) {
    current = which;
    select.value = String(which);
    pageElement("coloring-name").textContent = colorings[which].name;
    show();
  }

  colorings.forEach((coloring, which) => {
    coloring.hidden = new Set();
    if (coloring.kind === "scale") coloring.colors = gradient(coloring.stops);
    coloring.entries = coloring.kind === "scale" ? [] : coloring.classes.map((name, code) => [code, name, coloring.counts[code], coloring.colors[code]]);
    if (coloring.missing) coloring.entries.push([MISSING, "no value", coloring.missing, missing]);
    select.append(new Option(coloring.name, String(which)));
  });
  select.parentElement.hidden = colorings.length < 2;
  pageElement("coloring-name").hidden = colorings.length !== 1;
  select.addEventListener("change", () => choose(Number(select.value)));
  function showAll() {
    colorings[current].hidden.clear();
    colorings[current].range = null;
    show();
  }

  pageElement("show-all").addEventListener("click", showAll);
  pageElement("show-none").addEventListener("click", () => {
    colorings[current].hidden = new Set(codesOf(colorings[current]));
    show();
  });
  return {
    get current() {
      return colorings[current];
    },
    choose,
    showAll,
    // Mark the chosen rows in the histogram of a scale.
    mark: (codes, any) => colorings[current].kind === "scale" && histogram.mark(points, codes, any),
    next: () => choose((current + 1) % colorings.length),
  };
}

// Return the meaning of a code, or null if it has none.
function nameOf(coloring, code) {
  if (!coloring.name) return null;
  if (code === MISSING) return "no value";
  return coloring.kind === "scale" ? null : coloring.classes[code];
}

function showScale(coloring) {
  const canvas = pageElement("scale").firstElementChild;
  const context = canvas.getContext("2d");
  coloring.colors.forEach((color, code) => {
    context.fillStyle = color;
    context.fillRect(code, 0, 2, 1);
  });
  const [low, high] = pageElement("scale").querySelectorAll("span");
  low.textContent = coloring.low;
  high.textContent = coloring.high;
}
