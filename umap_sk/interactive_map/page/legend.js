// Colorings: the codes of the points, the color of each code, and the list that shows and hides classes.

const packColor = (hex) => {
  const value = parseInt(hex.slice(1), 16);
  return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >>> 16)) >>> 0;
};

// Return a gradient of 255 colors through the stops of a scale.
function makeGradient(stops) {
  const channels = stops.map((hex) => [1, 3, 5].map((first) => parseInt(hex.slice(first, first + 2), 16)));
  return Array.from({ length: MISSING_CODE }, (_, code) => {
    const position = (code / (MISSING_CODE - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(position), stops.length - 2);
    const color = channels[low].map((value, k) => Math.round(value + (channels[low + 1][k] - value) * (position - low)));
    return `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  });
}

// Mix a color with white, for dark backgrounds.
const lighten = (word, share) =>
  [0, 8, 16].reduce((sum, shift) => {
    const value = (word >>> shift) & 0xff;
    return sum + Math.round(value + share * (255 - value)) * 2 ** shift;
  }, 0xff000000);

// Return the colors of all codes as pixels, and 0 for hidden ones.
function packColors(coloring, missing, whiteShare) {
  const colors = new Uint32Array(256);
  coloring.colors.forEach((hex, code) => (colors[code] = lighten(packColor(hex), whiteShare)));
  colors[MISSING_CODE] = packColor(missing);
  for (const code of coloring.hidden) colors[code] = 0;
  return colors;
}

function makeLegend(colorings, missing, points, onChange) {
  const list = findElement("classes");
  const select = findElement("coloring");
  const histogram = makeHistogram(() => buildList(null, true));
  let current = 0;

  function makeEntry(code, name, count, color) {
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
      const all = listCodes(coloring);
      if (event.detail === 2) coloring.hidden = new Set(all.filter((other) => other !== code));
      else if (!coloring.hidden.delete(code)) coloring.hidden.add(code);
      buildList(code);
    });
    item.append(button);
    item.dataset.code = code;
    return item;
  }

  const listCodes = (coloring) => coloring.entries.map(([code]) => code);

  // Build the list of the current coloring, and give the focus to the entry of a code.
  function buildList(focused = null, isMoving = false) {
    const coloring = colorings[current];
    const isScale = coloring.kind === "scale";
    findElement("scale").hidden = !isScale;
    if (isScale) {
      drawScale(coloring);
      histogram.show(coloring);
    }
    const { scrollTop } = list;
    list.replaceChildren(...coloring.entries.map((parts) => makeEntry(...parts)));
    list.scrollTop = scrollTop;
    findElement("legend-buttons").hidden = !isScale && coloring.entries.length < 2;
    findElement("show-none").hidden = isScale;
    if (focused !== null) list.querySelector(`[data-code="${focused}"] button`).focus({ preventScroll: true });
    onChange(isMoving);
  }

  function setColoring(index) {
    current = index;
    select.value = String(index);
    findElement("coloring-name").textContent = colorings[index].name;
    buildList();
  }

  colorings.forEach((coloring, index) => {
    coloring.hidden = new Set();
    if (coloring.kind === "scale") coloring.colors = makeGradient(coloring.stops);
    coloring.entries = coloring.kind === "scale" ? [] : coloring.classes.map((name, code) => [code, name, coloring.counts[code], coloring.colors[code]]);
    if (coloring.missing) coloring.entries.push([MISSING_CODE, "no value", coloring.missing, missing]);
    select.append(new Option(coloring.name, String(index)));
  });
  select.parentElement.hidden = colorings.length < 2;
  findElement("coloring-name").hidden = colorings.length !== 1;
  select.addEventListener("change", () => setColoring(Number(select.value)));
  function showAll() {
    colorings[current].hidden.clear();
    colorings[current].range = null;
    buildList();
  }

  findElement("show-all").addEventListener("click", showAll);
  findElement("show-none").addEventListener("click", () => {
    colorings[current].hidden = new Set(listCodes(colorings[current]));
    buildList();
  });
  return {
    get current() {
      return colorings[current];
    },
    setColoring,
    showAll,
    // Mark the selected rows in the histogram of a scale.
    mark: (codes, hasSelection) => colorings[current].kind === "scale" && histogram.mark(points, codes, hasSelection),
    showNext: () => setColoring((current + 1) % colorings.length),
  };
}

// Return the meaning of a code, or null if it has none.
function getName(coloring, code) {
  if (!coloring.name) return null;
  if (code === MISSING_CODE) return "no value";
  return coloring.kind === "scale" ? null : coloring.classes[code];
}

function drawScale(coloring) {
  const canvas = findElement("scale").firstElementChild;
  const context = canvas.getContext("2d");
  coloring.colors.forEach((color, code) => {
    context.fillStyle = color;
    context.fillRect(code, 0, 2, 1);
  });
  const [low, high] = findElement("scale").querySelectorAll("span");
  low.textContent = coloring.low;
  high.textContent = coloring.high;
}
