// The histogram of a scale. Dragging over its bars, or the arrows, hide all rows outside of a range.

const MISSING_CODE = 255; // the code of rows without a value
const SHADES_PER_BAR = 5;

function makeHistogram(onChange) {
  const canvas = findElement("histogram");
  let coloring = null;
  let start = null;
  let selectedCounts = null; // number of selected rows in each bar

  function draw() {
    const { bars, range, colors } = coloring;
    const context = canvas.getContext("2d");
    const width = canvas.width / bars.length;
    const maxCount = Math.max(1, ...bars);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const drawBars = (counts, opacity) => {
      counts.forEach((count, bar) => {
        const height = count && Math.max(2, (canvas.height * count) / maxCount);
        const isOutside = range && (bar < range[0] || bar > range[1]);
        context.globalAlpha = isOutside ? 0.18 : opacity;
        context.fillStyle = colors[bar * SHADES_PER_BAR];
        context.fillRect(bar * width, canvas.height - height, width - 1, height);
      });
    };
    drawBars(bars, selectedCounts ? 0.4 : 1);
    if (selectedCounts) drawBars(selectedCounts, 1);
    const count = range && bars.slice(range[0], range[1] + 1).reduce((sum, bar) => sum + bar, 0).toLocaleString("en");
    findElement("range").textContent = range
      ? `${coloring.edges[range[0]]} to ${coloring.edges[range[1] + 1]}: ${count} rows`
      : "Drag over the bars to show a part.";
  }

  function setRange(range) {
    coloring.range = range;
    const isOutside = (code) => range && (code < range[0] * SHADES_PER_BAR || code >= (range[1] + 1) * SHADES_PER_BAR);
    coloring.hidden = new Set(Array.from({ length: MISSING_CODE + 1 }, (_, code) => code).filter(isOutside));
    onChange();
  }

  function step(from, to) {
    const last = coloring.bars.length - 1;
    const [low, high] = coloring.range ?? [0, last];
    if (low + from >= 0 && high + to <= last && low + from <= high + to) setRange([low + from, high + to]);
  }

  const getBar = (event) => {
    const { length } = coloring.bars;
    return Math.max(0, Math.min(length - 1, Math.floor((event.offsetX / canvas.clientWidth) * length)));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    start = getBar(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const bar = getBar(event);
    if (start !== null && (coloring.range || bar !== start)) setRange([Math.min(start, bar), Math.max(start, bar)]);
  });
  canvas.addEventListener("lostpointercapture", () => (start = null));
  canvas.addEventListener("dblclick", () => setRange(null));
  const arrowSteps = { ArrowLeft: [-1, -1], ArrowRight: [1, 1], ArrowUp: [-1, 1], ArrowDown: [1, -1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Escape") setRange(null);
    else if (arrowSteps[event.key]) step(...arrowSteps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    show(current) {
      coloring = current;
      draw();
    },
    // Mark the selected rows in the bars.
    mark({ isSelected, n }, codes, hasSelection) {
      selectedCounts = hasSelection ? new Array(coloring.bars.length).fill(0) : null;
      for (let i = 0; hasSelection && i < n; i++) {
        if (isSelected[i] && codes[i] !== MISSING_CODE) selectedCounts[Math.floor(codes[i] / SHADES_PER_BAR)]++;
      }
      draw();
    },
  };
}
