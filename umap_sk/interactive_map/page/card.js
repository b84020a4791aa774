// The card of a row: its picture, its class, its columns. All of it is set as text.

const shown = (value) => {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return typeof value === "number" && Math.abs(value) >= 1e5 ? value.toLocaleString("en") : String(value);
};

function makeCard(table, pictures) {
  const card = pageElement("card");
  const list = card.querySelector("dl");
  const [canvas, image] = [card.querySelector("canvas"), card.querySelector("img")];
  let latest = -1;

  function line(name, value, color) {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    if (color) {
      const dot = document.createElement("i");
      dot.style.background = color;
      text.prepend(dot);
    }
    list.append(term, text);
  }

  // The card of a row beside a place of the page, with lines [name, value, color] of its colors before its columns.
  function show(row, [x, y], first) {
    latest = row;
    list.replaceChildren();
    card.scrollTop = 0;
    first.forEach((parts) => line(...parts));
    const said = new Set(first.map(([name]) => name));
    const { names, columns, index } = table();
    names.forEach((name, k) => {
      if (!said.has(name)) line(name, shown(columns[k][row]));
    });
    if (index) line("index", shown(index[row]));
    line("row", String(row));
    showPicture(row);
    card.hidden = false;
    put(x, y);
  }

  function put(x, y) {
    const { offsetWidth, offsetHeight } = card;
    const [width, height] = [card.parentElement.clientWidth, card.parentElement.clientHeight];
    if (width < 700) {
      card.style.left = card.style.top = "";
      return;
    }
    const left = x + 18 + offsetWidth > width ? x - 18 - offsetWidth : x + 18;
    card.style.left = `${Math.max(8, left)}px`;
    card.style.top = `${Math.max(8, Math.min(height - offsetHeight - 8, y - 24))}px`;
  }

  async function showPicture(row) {
    const found = pictures && (await pictures(row));
    if (latest !== row) return;
    image.hidden = !found?.uri;
    canvas.hidden = !found?.sheet;
    if (found?.uri) image.src = found.uri;
    if (found?.sheet) {
      const { sheet, left, top, width, height } = found;
      const times = Math.max(1, Math.floor(112 / Math.max(width, height)));
      [canvas.width, canvas.height] = [width * times, height * times];
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(sheet, left, top, width, height, 0, 0, canvas.width, canvas.height);
    }
  }

  return {
    show,
    hide() {
      latest = -1;
      card.hidden = true;
    },
  };
}

// Pictures of rows: parts of sheets, which are decoded when they are first looked at, or addresses that hold them.
function makePictures(about) {
  if (!about) return null;
  const sheets = new Map();
  const uris = about.kind === "uris" ? jsonOf("uris") : null;
  return async (row) => {
    if (about.kind === "uris") return { uri: (await uris)[row] };
    const { width, height, across, perSheet } = about;
    const number = Math.floor(row / perSheet);
    if (!sheets.has(number)) {
      sheets.set(number, bytesOf(`sheet-${number}`).then((bytes) => createImageBitmap(new Blob([bytes], { type: "image/png" }))));
    }
    const place = row % perSheet;
    const [left, top] = [(place % across) * width, Math.floor(place / across) * height];
    return { sheet: await sheets.get(number), left, top, width, height };
  };
}
