// The card of a row shows its picture, class and columns. All values are set as text, and addresses become links.

const shown = (value) => {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return typeof value === "number" && Math.abs(value) >= 1e5 ? value.toLocaleString("en") : String(value);
};

function makeCard(table, pictures) {
  const card = pageElement("card");
  const list = card.querySelector("dl");
  const map = pageElement("map");
  const [canvas, image] = [card.querySelector("canvas"), card.querySelector("img")];
  let latest = -1;
  let place = [0, 0];

  function line(name, value, color) {
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
  function show(row, at, first, isPinned) {
    [latest, place] = [row, at];
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
    card.classList.toggle("pinned", isPinned);
    put();
  }

  function put() {
    const [x, y] = place;
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
    const found = pictures && (await pictures(row));
    if (latest !== row) return;
    image.hidden = !found?.uri;
    canvas.hidden = !found?.sheet;
    if (found?.uri) {
      image.src = found.uri;
      await image.decode().catch(() => {}); // a picture that cannot be decoded is not shown
    }
    if (found?.sheet) {
      const { sheet, left, top, width, height } = found;
      const times = Math.max(1, Math.floor(112 / Math.max(width, height)));
      [canvas.width, canvas.height] = [width * times, height * times];
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(sheet, left, top, width, height, 0, 0, canvas.width, canvas.height);
    }
    if (found && latest === row) put(); // the picture has changed the width
  }

  return {
    show,
    hide() {
      latest = -1;
      card.hidden = true;
    },
  };
}

// Pictures of rows: parts of sheets, which are decoded when they are first shown, or addresses that contain them.
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
