// The card of a row shows its picture, class and columns. All values are set as text, and addresses become links.

const formatValue = (value) => {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return typeof value === "number" && Math.abs(value) >= 1e5 ? value.toLocaleString("en") : String(value);
};

function makeCard(table, readPicture) {
  const card = findElement("card");
  const list = card.querySelector("dl");
  const map = findElement("map");
  const [canvas, image] = [card.querySelector("canvas"), card.querySelector("img")];
  let currentRow = -1;
  let position = [0, 0];

  function addLine(name, value, color) {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    if (/^https?:\/\/\S+$/.test(value)) {
      const link = document.createElement("a");
      Object.assign(link, { href: value, target: "_blank", rel: "noopener noreferrer", textContent: value });
      text.append(link);
    } else text.textContent = value;
    if (color) {
      const dot = document.createElement("i");
      dot.style.background = color;
      text.prepend(dot);
    }
    list.append(term, text);
  }

  // Show the card of a row next to a point of the page. Lines [name, value, color] come before its columns.
  function show(row, pagePosition, lines, isPinned) {
    [currentRow, position] = [row, pagePosition];
    list.replaceChildren();
    card.scrollTop = 0;
    lines.forEach((parts) => addLine(...parts));
    const usedNames = new Set(lines.map(([name]) => name));
    const { names, columns, index } = table();
    names.forEach((name, k) => {
      if (!usedNames.has(name)) addLine(name, formatValue(columns[k][row]));
    });
    if (index) addLine("index", formatValue(index[row]));
    addLine("row", String(row));
    showPicture(row);
    card.hidden = false;
    card.classList.toggle("pinned", isPinned);
    placeCard();
  }

  function placeCard() {
    const [x, y] = position;
    const { offsetWidth, offsetHeight } = card;
    const { clientWidth: width, clientHeight: height } = map;
    if (innerWidth < 700) {
      card.style.left = card.style.top = "";
      return;
    }
    const left = x + 18 + offsetWidth > width ? x - 18 - offsetWidth : x + 18;
    card.style.left = `${Math.max(8, left)}px`;
    card.style.top = `${Math.max(8, Math.min(height - offsetHeight - 8, y - 24))}px`;
  }

  async function showPicture(row) {
    const picture = readPicture && (await readPicture(row));
    if (currentRow !== row) return;
    image.hidden = !picture?.uri;
    canvas.hidden = !picture?.sheet;
    if (picture?.uri) {
      image.src = picture.uri;
      await image.decode().catch(() => {}); // a picture that cannot be decoded is not shown
    }
    if (picture?.sheet) {
      const { sheet, left, top, width, height } = picture;
      const zoom = Math.max(1, Math.floor(112 / Math.max(width, height)));
      [canvas.width, canvas.height] = [width * zoom, height * zoom];
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(sheet, left, top, width, height, 0, 0, canvas.width, canvas.height);
    }
    if (picture && currentRow === row) placeCard(); // the picture has changed the width
  }

  return {
    show,
    hide() {
      currentRow = -1;
      card.hidden = true;
    },
  };
}

// Pictures of rows: parts of sheets, which are decoded when they are first shown, or addresses that contain them.
function makePictureReader(description) {
  if (!description) return null;
  const sheets = new Map();
  const uris = description.kind === "uris" ? readJson("uris") : null;
  return async (row) => {
    if (description.kind === "uris") return { uri: (await uris)[row] };
    const { width, height, columns, perSheet } = description;
    const number = Math.floor(row / perSheet);
    if (!sheets.has(number)) {
      sheets.set(number, readBytes(`sheet-${number}`).then((bytes) => createImageBitmap(new Blob([bytes], { type: "image/png" }))));
    }
    const index = row % perSheet;
    const [left, top] = [(index % columns) * width, Math.floor(index / columns) * height];
    return { sheet: await sheets.get(number), left, top, width, height };
  };
}
