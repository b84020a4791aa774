// Drawing of points on the processor. Without a graphics card, this is many times as fast as WebGL, which then computes
// triangles on the processor.

const MARGIN = 80; // pixels around the picture, so that dots at its edge need no clipping
const SUBSTEPS = 4; // positions of larger dots within a pixel, along each axis

// Return the weights (256 is full) of the pixels that a dot covers, for each position within a pixel.
function makeStamp(diameter, opacity) {
  if (diameter < 2.5) {
    const side = diameter < 1.5 ? 1 : 2;
    return { side, substeps: 1, weights: new Int32Array(side * side).fill(Math.round(256 * opacity)) };
  }
  const side = Math.ceil(diameter) + 1;
  const weights = new Int32Array(SUBSTEPS * SUBSTEPS * side * side);
  let index = 0;
  for (let down = 0; down < SUBSTEPS; down++) {
    for (let right = 0; right < SUBSTEPS; right++) {
      const x = (side - 1) / 2 + (right + 0.5) / SUBSTEPS;
      const y = (side - 1) / 2 + (down + 0.5) / SUBSTEPS;
      for (let j = 0; j < side; j++) {
        for (let i = 0; i < side; i++) {
          weights[index++] = Math.round(256 * opacity * computeDiscShare(i - x, j - y, diameter / 2));
        }
      }
    }
  }
  return { side, substeps: SUBSTEPS, weights };
}

// Return the share of the pixel at (left, top) that a disc around the origin covers.
function computeDiscShare(left, top, radius) {
  const distance = Math.hypot(left + 0.5, top + 0.5);
  return Math.min(1, Math.max(0, radius - distance + 0.5));
}

// Make a picture, whose pixels are words of alpha, blue, green and red.
function makePicture(width, height) {
  const image = new ImageData(width + 2 * MARGIN, height + 2 * MARGIN);
  return { image, width: image.width, height: image.height, pixels: new Uint32Array(image.data.buffer) };
}

// Blend a color over another with a weight (256 is full).
function blend(redBlue, green, share, below) {
  const rest = 256 - share;
  return (
    0xff000000 |
    (((Math.imul(redBlue, share) + Math.imul(below & 0xff00ff, rest)) >>> 8) & 0xff00ff) |
    (((Math.imul(green, share) + Math.imul(below & 0x00ff00, rest)) >>> 8) & 0x00ff00)
  );
}

// Draw a range of points in the colors of their codes; the color 0 hides them. `filter` is 1 for selected points, 0 for
// others, and -1 for all. `view` maps positions to pixels.
function drawPoints(picture, points, codes, colors, view, stamp, from, to, filter) {
  const { pixels, width, height } = picture;
  const { x, y, isSelected } = points;
  const { side, substeps, weights } = stamp;
  const half = substeps === 1 ? (side - 1) / 2 : side / 2 - 0.5;
  const left = view.left + MARGIN - half;
  const top = view.top + MARGIN - half;
  const scale = view.scale;
  const lastX = width - side;
  const lastY = height - side;
  for (let i = from; i < to; i++) {
    const color = colors[codes[i]];
    if (color === 0 || (filter >= 0 && isSelected[i] !== filter)) continue;
    const atX = left + x[i] * scale;
    const atY = top - y[i] * scale;
    if (!(atX >= 0 && atY >= 0 && atX < lastX && atY < lastY)) continue;
    const column = atX | 0;
    const line = atY | 0;
    let weight = 0;
    if (substeps > 1) {
      weight = (((atY - line) * substeps) | 0) * substeps + (((atX - column) * substeps) | 0);
      weight *= side * side;
    }
    const redBlue = color & 0xff00ff;
    const green = color & 0x00ff00;
    let start = line * width + column;
    if (side === 1) {
      pixels[start] = blend(redBlue, green, weights[0], pixels[start]);
      continue;
    }
    for (let j = 0; j < side; j++, start += width) {
      for (let pixel = start; pixel < start + side; pixel++) {
        const share = weights[weight++];
        if (share === 0) continue;
        pixels[pixel] = blend(redBlue, green, share, pixels[pixel]);
      }
    }
  }
}
