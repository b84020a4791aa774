// The table of the selected rows by class: their number, share of the selection, and share of the class.

const formatPercent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

function makeShares(points, screen) {
  const details = findElement("shares");
  const table = details.querySelector("table");
  let lines = [];

  // Return [name, rows, share of the selection, share of the class, color] of each class with selected rows, largest first.
  function countClasses({ coloring, codes }) {
    const counts = new Uint32Array(256);
    for (let i = 0; i < points.n; i++) if (points.isSelected[i]) counts[codes[i]]++;
    const total = counts.reduce((sum, rows) => sum + rows, 0);
    return coloring.entries
      .filter(([code]) => counts[code])
      .map(([code, name, all, color]) => [name, counts[code], counts[code] / total, counts[code] / all, color])
      .sort((a, b) => b[1] - a[1]);
  }

  function update() {
    if (!details.open || details.hidden) return;
    lines = countClasses(screen.look);
    table.tBodies[0].replaceChildren(
      ...lines.map(([name, rows, ofSelection, ofClass, color]) => {
        const line = document.createElement("tr");
        const dot = document.createElement("i");
        dot.style.background = color;
        for (const text of [name, rows.toLocaleString("en"), formatPercent(ofSelection), formatPercent(ofClass)]) line.insertCell().textContent = text;
        line.cells[0].prepend(dot);
        return line;
      }),
    );
  }

  details.addEventListener("toggle", update);
  findElement("download-shares").addEventListener("click", () => {
    const head = [screen.look.coloring.name || "class", "rows", "share_of_chosen", "share_of_class"];
    download([head, ...lines.map((line) => line.slice(0, 4))], "classes.csv");
  });
  return (hasSelection) => {
    details.hidden = !hasSelection || screen.look.coloring.entries.length < 2;
    update();
  };
}
