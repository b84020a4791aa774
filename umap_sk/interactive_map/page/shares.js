// The table of the chosen rows by class: their number, share of the chosen rows, and share of the class.

const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

function makeShares(points, screen) {
  const details = pageElement("shares");
  const table = details.querySelector("table");
  let lines = [];

  // Return [name, rows, share of the chosen, share of the class, color] of each class with chosen rows, largest first.
  function count({ coloring, codes }) {
    const counts = new Uint32Array(256);
    for (let i = 0; i < points.n; i++) if (points.chosen[i]) counts[codes[i]]++;
    const total = counts.reduce((sum, rows) => sum + rows, 0);
    return coloring.entries
      .filter(([code]) => counts[code])
      .map(([code, name, all, color]) => [name, counts[code], counts[code] / total, counts[code] / all, color])
      .sort((a, b) => b[1] - a[1]);
  }

  function show() {
    if (!details.open || details.hidden) return;
    lines = count(screen.look);
    table.tBodies[0].replaceChildren(
      ...lines.map(([name, rows, ofChosen, ofClass, color]) => {
        const line = document.createElement("tr");
        const dot = document.createElement("i");
        dot.style.background = color;
        for (const text of [name, rows.toLocaleString("en"), percent(ofChosen), percent(ofClass)]) line.insertCell().textContent = text;
        line.cells[0].prepend(dot);
        return line;
      }),
    );
  }

  details.addEventListener("toggle", show);
  pageElement("download-shares").addEventListener("click", () => {
    const head = [screen.look.coloring.name || "class", "rows", "share_of_chosen", "share_of_class"];
    download([head, ...lines.map((line) => line.slice(0, 4))], "classes.csv");
  });
  return (any) => {
    details.hidden = !any || screen.look.coloring.entries.length < 2;
    show();
  };
}
