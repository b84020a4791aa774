// Names of the classes in the map, where there is room for them: those of many rows first.

const LONGEST = 32; // letters of a name in the map

function makeNames(group) {
  let texts = [];

  // The names of the classes of a coloring that are shown.
  function choose(coloring) {
    const wanted = coloring.kind === "classes" && pageElement("names-shown").checked;
    pageElement("names-label").hidden = coloring.kind !== "classes" || !coloring.spots.length;
    const codes = wanted ? coloring.spots.map((_, code) => code) : [];
    texts = codes
      .filter((code) => coloring.spots[code] && !coloring.hidden.has(code))
      .sort((a, b) => coloring.counts[b] - coloring.counts[a])
      .map((code) => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", "text");
        const name = coloring.classes[code];
        element.textContent = name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
        return { element, spot: coloring.spots[code], width: 0 };
      });
    group.replaceChildren(...texts.map((text) => text.element));
    for (const text of texts) text.width = text.element.getComputedTextLength();
  }

  // Put the names where their classes are, and leave out those that would cover others or leave the screen.
  function place(screen) {
    const taken = [];
    for (const { element, spot, width } of texts) {
      const [x, y] = toPage(screen.view, screen, ...spot);
      const half = width / 2 + 4;
      const isFree = taken.every((other) => Math.abs(other.x - x) > other.half + half || Math.abs(other.y - y) > 18);
      const isWithin = x > half && y > 12 && x < screen.width - half && y < screen.height - 12;
      element.style.display = isFree && isWithin ? "" : "none";
      if (!isFree || !isWithin) continue;
      taken.push({ x, y, half });
      element.setAttribute("x", x);
      element.setAttribute("y", y);
    }
  }

  return { choose, place };
}
