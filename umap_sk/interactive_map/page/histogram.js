// The histogram of a scale. Dragging over its bars, or the arrows, hide all rows outside of a range.

const MISSING = 255; // the code of rows without a value
const SHADES_A_BAR = 5;

function makeHistogram(whenChanged) {
  const canvas = pageElement("histogram");
  let coloring = null;
  let start = null;
  let marked = null; // number of chosen rows in each bar

  function draw() {
    const { bars, range, colors } = coloring;
    const context = canvas.getContext("2d");
    const width = canvas.width / bars.length;
    const most = Math.max(1, ...bars);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const fill = (counts, opacity) => {
      counts.forEach((count, bar) => {
        const height = count && Math.max(2, (canvas.height * count) / most);
        const isOut = range && (bar < range[0] || bar > range[1]);
        context.globalAlpha = isOut ? 0.18 : opacity;
        context.fillStyle = colors[bar * SHADES_A_BAR];
        context.fillRect(bar * width, canvas.height - height, width - 1, height);
      });
    };
    fill(bars, marked ? 0.4 : 1);
    if (marked) fill(marked, 1);
    const count = range && bars.slice(range[0], range[1] + 1).reduce((sum, bar) => sum + bar, 0).toLocaleString("en");
    pageElement("range").textContent = range
      ? `${coloring.edges[range[0]]} to ${coloring.edges[range[1] + 1]}: ${count} rows`
      : "Drag over the bars to show a part.";
  }

  function choose(range) {
    coloring.range = range;
    const isOut = (code) => range && (code < range[0] * SHADES_A_BAR || code >= (range[1] + 1) * SHADES_A_BAR);
    coloring.hidden = new Set(Array.from({ length: MISSING + 1 }, (_, code) => code).filter(isOut));
    whenChanged();
  }

  function step(from, to) {
    const last = coloring.bars.length - 1;
    const [low, high] = coloring.range ?? [0, last];
    if (low + from >= 0 && high + to <= last && low + from <= high + to) choose([low + from, high + to]);
  }

  const barAt = (event) => {
    const { length } = coloring.bars;
    return Math.max(0, Math.min(length - 1, Math.floor((event.offsetX / canvas.clientWidth) * length)));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    start = barAt(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const bar = barAt(event);
    if (start !== null && (coloring.range || bar !== start)) choose([Math.min(start, bar), Math.max(start, bar)]);
  });
  canvas.addEventListener("lostpointercapture", () => (start = null));
  canvas.addEventListener("dblclick", () => choose(null));
  const moves = { ArrowLeft: [-1, -1], ArrowRight: [1, 1], ArrowUp: [-1, 1], ArrowDown: [1, -1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(null);
    else if (moves[event.key]) step(...moves[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    show(current) {
      coloring = current;
      draw();
    },
    // Mark the chosen rows in the bars.
    mark({ chosen, n }, codes, any) {
      marked = any ? new Array(coloring.bars.length).fill(0) : null;
      for (let i = 0; any && i < n; i++) if (chosen[i] && codes[i] !== MISSING) marked[Math.floor(codes[i] / SHADES_A_BAR)]++;
      draw();
    },
  };
}
