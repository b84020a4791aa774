// The data of the page: blocks of bytes, compressed by deflate, in base64.

async function readBytes(name) {
  const block = document.getElementById(`data-${name}`);
  const text = atob(block.textContent);
  block.remove();
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  if (typeof DecompressionStream === "undefined") throw new Error("This browser is too old for the map: it cannot inflate data.");
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function readJson(name) {
  return JSON.parse(new TextDecoder().decode(await readBytes(name)));
}

// Return the row numbers of the points: all rows except those without a position.
function listRowsWithPosition(nRows, leftOut) {
  const rows = new Uint32Array(nRows - leftOut.length);
  for (let row = 0, next = 0, i = 0; row < nRows; row++) {
    if (next < leftOut.length && leftOut[next] === row) next++;
    else rows[i++] = row;
  }
  return rows;
}

// Return a random order that is always the same. No class is drawn on top, and the first m points are a sample.
function makeDrawingOrder(n) {
  const order = new Uint32Array(n);
  let word = 2463534242;
  for (let i = 0; i < n; i++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    const j = Math.floor(((word >>> 0) / 4294967296) * (i + 1));
    order[i] = order[j];
    order[j] = i;
  }
  return order;
}

function reorder(values, order) {
  const ordered = new values.constructor(order.length);
  for (let i = 0; i < order.length; i++) ordered[i] = values[order[i]];
  return ordered;
}

// Return the points in drawing order: positions in 65,536 steps, row numbers, and whether they are selected.
async function readPoints(nRows) {
  const leftOut = new Uint32Array(await readBytes("left-out"));
  const positions = new Uint16Array(await readBytes("positions"));
  const n = positions.length / 2;
  const order = makeDrawingOrder(n);
  return {
    n, order,
    x: reorder(positions.subarray(0, n), order),
    y: reorder(positions.subarray(n), order),
    row: reorder(listRowsWithPosition(nRows, leftOut), order),
    isSelected: new Uint8Array(n),
  };
}
