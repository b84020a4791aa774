// The rows selected by lasso, search or view: their number, steps from one to the next, and their ids to copy or download.

// Return the row numbers of the selected points in increasing order.
function listSelectedRows(points) {
  return points.row.filter((_, i) => points.isSelected[i]).sort();
}

// Return a test of rows for a text: "#12" is row 12, and any other text is part of a column or of the index.
function makeRowTest(table, text) {
  const number = /^#(\d+)$/.exec(text);
  if (number) return (row) => row === Number(number[1]);
  const lowered = text.toLowerCase();
  const columns = table.index ? [...table.columns, table.index] : table.columns;
  return (row) => columns.some((column) => column[row] !== null && String(column[row]).toLowerCase().includes(lowered));
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
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}

// Return a table of the selected rows with all their columns, below a line of names.
function makeTable(rows, { names, columns, index }) {
  const all = index ? [index, ...columns] : columns;
  const head = index ? ["row", "index", ...names] : ["row", ...names];
  return [head, ...Array.from(rows, (row) => [row, ...all.map((column) => column[row])])];
}

function download(lines, name) {
  const formatCell = (value) => (typeof value === "string" ? `"${value.replaceAll('"', '""')}"` : String(value ?? ""));
  const text = lines.map((line) => `${line.map(formatCell).join(",")}\n`).join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The bar that describes the selected rows. `visit` shows the card of a row.
function makeSelection(points, table, visit, onChange) {
  const bar = findElement("selection");
  const summary = bar.querySelector("p");
  let rows = new Uint32Array();
  let current = -1;

  function update(text) {
    rows = listSelectedRows(points);
    current = -1;
    bar.hidden = text === null;
    bar.querySelector("div").hidden = rows.length === 0;
    summary.textContent = text ?? "";
    onChange();
  }

  function step(by) {
    if (!rows.length) return;
    current = current < 0 ? (by > 0 ? 0 : rows.length - 1) : (current + by + rows.length) % rows.length;
    visit(rows[current]);
  }

  const formatCount = (count) => `${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}`;
  const selection = {
    step,
    rows: () => rows,
    select(matches, add = false) {
      const count = selectWhere(points, matches, add);
      update(`${formatCount(count)} chosen`);
    },
    selectInside(outline, isShown, add) {
      const count = selectInside(points, outline, isShown, add);
      update(`${formatCount(count)} chosen`);
    },
    search(text) {
      if (!text) return selection.clear();
      const matches = makeRowTest(table(), text);
      const count = selectWhere(points, (i) => matches(points.row[i]), false);
      update(count ? `${formatCount(count)} found for “${text}”` : `Nothing found for “${text}”`);
    },
    clear() {
      points.isSelected.fill(0);
      update(null);
    },
    async copy() {
      if (!rows.length) return;
      const isCopied = await copyText(`[${Array.from(rows).join(", ")}]`);
      summary.textContent = isCopied ? `${formatCount(rows.length)} copied` : "The browser did not let them be copied: download them.";
    },
  };
  findElement("next").addEventListener("click", () => step(1));
  findElement("previous").addEventListener("click", () => step(-1));
  findElement("copy").addEventListener("click", selection.copy);
  findElement("clear").addEventListener("click", selection.clear);
  findElement("download").addEventListener("click", () => download(makeTable(rows, table()), "rows.csv"));
  return selection;
}
