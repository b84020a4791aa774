// Names of the classes in the map, if there is room. The largest classes come first. As the view zooms in, the names of
// finer colorings join them.

const LONGEST = 32; // letters of a name in the map

function makeNames(group, colorings) {
  const context = document.createElement("canvas").getContext("2d");
  let texts = [];

  // Return the names of a coloring and of the finer ones, without those that the legend hides.
  function choose(coloring) {
    pageElement("names-label").hidden = !coloring.names?.length;
    const wanted = pageElement("names-shown").checked;
    texts = [];
    let places = coloring.names?.map((_, k) => k); // for each name, the index of its class in the coloring itself
    for (let one = coloring, level = 0; wanted && one?.names; level++) {
      one.names.forEach(([name, x, y, , code], k) => {
        if (!coloring.hidden.has(coloring.names[places[k]]?.[4])) texts.push({ name, spot: [x, y], level });
      });
      const [next, classes] = one.finer ?? [];
      places = classes?.map((place) => places[place]);
      one = colorings[next];
    }
    group.replaceChildren();
    context.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
    for (const text of texts) {
      if (text.name.length > LONGEST) text.name = `${text.name.slice(0, LONGEST - 1)}…`;
      text.half = context.measureText(text.name).width / 2 + 4;
    }
  }

  function elementOf(text) {
    if (text.element) return text.element;
    text.element = document.createElementNS("http://www.w3.org/2000/svg", "text");
    text.element.textContent = text.name;
    text.element.classList.toggle("finer", text.level > 0);
    return group.appendChild(text.element);
  }

  // Place the names at their classes, without those that would cover others or leave the screen.
  function place(screen) {
    const taken = [];
    const level = Math.log2(screen.view.scale / screen.fitted.scale);
    for (const text of texts) {
      const { half, spot } = text;
      const [x, y] = toPage(screen.view, screen, ...spot);
      const isWithin = x > half && y > 12 && x < screen.width - half && y < screen.height - 12;
      const hasRoom = (other) => Math.abs(other.x - x) > other.half + half || Math.abs(other.y - y) > 18;
      const isShown = isWithin && text.level <= level + 0.01 && taken.every(hasRoom);
      if (text.element) text.element.style.display = isShown ? "" : "none";
      if (!isShown) continue;
      taken.push({ x, y, half });
      elementOf(text).setAttribute("x", x);
      text.element.setAttribute("y", y);
    }
  }

  return { choose, place };
}
