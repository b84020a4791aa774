// The rows chosen by lasso, search or view: their number, steps from one to the next, and their ids to copy or download.

// Return the row numbers of the chosen points in increasing order.
function chosenRows(points) {
  return points.row.filter((_, i) => points.chosen[i]).sort();
}

// Return a test of rows for a text: "#12" is row 12, and any other text is part of a column or of the index.
function searcher(table, text) {
  const number = /^#(\d+)$/.exec(text);
  if (number) return (row) => row === Number(number[1]);
  const wanted = text.toLowerCase();
  const columns = table.index ? [...table.columns, table.index] : table.columns;
  return (row) => columns.some((column) => column[row] !== null && String(column[row]).toLowerCase().includes(wanted));
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea"); // pages in frames may lack access to the clipboard
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// Return a table of the chosen rows with all their columns, below a line of names.
function tableOf(rows, { names, columns, index }) {
  const all = index ? [index, ...columns] : columns;
  const head = index ? ["row", "index", ...names] : ["row", ...names];
  return [head, ...Array.from(rows, (row) => [row, ...all.map((column) => column[row])])];
}

function download(lines, name) {
  const word = (value) => (typeof value === "string" ? `"${value.replaceAll('"', '""')}"` : String(value ?? ""));
  const text = lines.map((line) => `${line.map(word).join(",")}\n`).join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The bar that describes the chosen rows. `visit` shows the card of a row.
function makeChosen(points, table, visit, whenChanged) {
  const bar = pageElement("chosen");
  const told = bar.querySelector("p");
  let rows = new Uint32Array();
  let at = -1;

  function update(text) {
    rows = chosenRows(points);
    at = -1;
    bar.hidden = text === null;
    bar.querySelector("div").hidden = rows.length === 0;
    told.textContent = text ?? "";
    whenChanged();
  }

  function step(by) {
    if (!rows.length) return;
    at = at < 0 ? (by > 0 ? 0 : rows.length - 1) : (at + by + rows.length) % rows.length;
    visit(rows[at]);
  }

  const inWords = (count) => `${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}`;
  const chosen = {
    step,
    rows: () => rows,
    choose(isWanted, add = false) {
      const count = chooseWhere(points, isWanted, add);
      update(`${inWords(count)} chosen`);
    },
    inside(outline, isShown, add) {
      const count = chooseInside(points, outline, isShown, add);
      update(`${inWords(count)} chosen`);
    },
    search(text) {
      if (!text) return chosen.clear();
      const isWanted = searcher(table(), text);
      const count = chooseWhere(points, (i) => isWanted(points.row[i]), false);
      update(count ? `${inWords(count)} found for “${text}”` : `Nothing found for “${text}”`);
    },
    clear() {
      points.chosen.fill(0);
      update(null);
    },
    async copy() {
      if (!rows.length) return;
      const done = await copyText(`[${Array.from(rows).join(", ")}]`);
      told.textContent = done ? `${inWords(rows.length)} copied` : "The browser did not let them be copied: download them.";
    },
  };
  pageElement("next").addEventListener("click", () => step(1));
  pageElement("previous").addEventListener("click", () => step(-1));
  pageElement("copy").addEventListener("click", chosen.copy);
  pageElement("clear").addEventListener("click", chosen.clear);
  pageElement("download").addEventListener("click", () => download(tableOf(rows, table()), "rows.csv"));
  return chosen;
}
