// Names of the classes in the map, if there is room. The largest classes come first. As the view zooms in, the names of
// finer colorings join them.

const MAX_LETTERS = 32; // letters of a name in the map

function makeNames(group, colorings) {
  const context = document.createElement("canvas").getContext("2d");
  let texts = [];

  // Return the names of a coloring and of the finer ones, without those that the legend hides.
  function setColoring(coloring) {
    findElement("names-label").hidden = !coloring.names?.length;
    const isEnabled = findElement("show-names").checked;
    texts = [];
    let parents = coloring.names?.map((_, k) => k); // for each name, the index of its class in the coloring itself
    for (let current = coloring, level = 0; isEnabled && current?.names; level++) {
      current.names.forEach(([name, x, y, , code], k) => {
        if (!coloring.hidden.has(coloring.names[parents[k]]?.[4])) texts.push({ name, position: [x, y], level });
      });
      const [next, classes] = current.finer ?? [];
      parents = classes?.map((index) => parents[index]);
      current = colorings[next];
    }
    group.replaceChildren();
    context.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
    for (const text of texts) {
      if (text.name.length > MAX_LETTERS) text.name = `${text.name.slice(0, MAX_LETTERS - 1)}…`;
      text.halfWidth = context.measureText(text.name).width / 2 + 4;
    }
  }

  function getTextElement(text) {
    if (text.element) return text.element;
    text.element = document.createElementNS("http://www.w3.org/2000/svg", "text");
    text.element.textContent = text.name;
    text.element.classList.toggle("finer", text.level > 0);
    return group.appendChild(text.element);
  }

  // Place the names at their classes, without those that would cover others or leave the screen.
  function place(screen) {
    const placedNames = [];
    const level = Math.log2(screen.view.scale / screen.fittedView.scale);
    for (const text of texts) {
      const { halfWidth, position } = text;
      const [x, y] = toPage(screen.view, screen, ...position);
      const isOnScreen = x > halfWidth && y > 12 && x < screen.width - halfWidth && y < screen.height - 12;
      const hasRoom = (other) => Math.abs(other.x - x) > other.halfWidth + halfWidth || Math.abs(other.y - y) > 18;
      const isShown = isOnScreen && text.level <= level + 0.01 && placedNames.every(hasRoom);
      if (text.element) text.element.style.display = isShown ? "" : "none";
      if (!isShown) continue;
      placedNames.push({ x, y, halfWidth });
      getTextElement(text).setAttribute("x", x);
      text.element.setAttribute("y", y);
    }
  }

  return { setColoring, place };
}
