// Draws the photo, the layers, their names and the prompts on the one canvas.

import { interiorPoints } from "./interior.mjs";
import { anchorOf, buildLabelMap, NO_LAYER, paintFills, paintOutlines, pixelOf } from "./labelmap.mjs";
import { toScreen } from "./view.mjs";

const INCLUDE = "#1769e0";
const HATCH = [pixelOf(INCLUDE, 0.78), pixelOf(INCLUDE, 0.42)]; // stripes: not told by colour alone
const EXCLUDE = "#c2410c";
const NAMES_AT_MOST = 24;
const LARGE = 1.8; // names for the back row of a room
const MANY = 8; // layers from which on equal names are written once, on the largest
export const MARK_RADIUS = 9;

/** One offscreen picture the size of the masks. */
function sheet(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  return {
    canvas,
    pixels: new Uint32Array(image.data.buffer),
    /** Shows what is in `pixels`, all of it or within {left, top, right, bottom}. */
    flush({ left = 0, top = 0, right = width, bottom = height } = {}) {
      context.putImageData(image, 0, 0, left, top, right - left, bottom - top);
    },
  };
}

export function createPainter() {
  let layers = [];
  let map = null;
  let fills = null;
  let outlines = null;
  let size = null;
  let strokes = null;

  /** layers: visible ones only, [{id, label, score, colour, counts, area, faint, grid: [h, w]}] */
  function setLayers(next, chosen = new Set()) {
    layers = next;
    if (layers.length === 0) {
      map = null;
      return;
    }
    const [height, width] = layers[0].grid;
    if (!size || size.width !== width || size.height !== height) {
      size = { width, height };
      fills = sheet(width, height);
      outlines = sheet(width, height);
    }
    map = buildLabelMap(layers, width, height);
    const inside = interiorPoints(map, width, height, layers.length);
    layers.forEach((layer, index) => { layer.anchor = inside[index] ?? anchorOf(layer.counts, width, height); });
    colour(null, chosen);
  }

  /** Repaints the layers; `lit` stands out before the others, `chosen` ones have a white border. */
  function colour(lit, chosen) {
    if (!map) return;
    const strong = (layer) => (lit ? layer.id === lit : !layer.faint);
    paintFills(map, layers.map((layer) => pixelOf(layer.colour, strong(layer) ? 1 : 0.4)), fills.pixels);
    const edges = layers.map((layer) =>
      layer.id === lit || chosen.has(layer.id) ? pixelOf("#ffffff") : pixelOf(layer.colour, strong(layer) ? 1 : 0.55));
    paintOutlines(map, size.width, size.height, edges, outlines.pixels);
    fills.flush();
    outlines.flush();
  }

  /** Shows what is painted on a pad, within a rectangle that has changed; null: there is no pad. */
  function paint(pad, changed) {
    if (!pad) {
      strokes = null;
      return;
    }
    strokes ??= sheet(pad.width, pad.height);
    for (let row = changed.top; row < changed.bottom; row += 1) {
      for (let column = changed.left; column < changed.right; column += 1) {
        const at = row * pad.width + column;
        strokes.pixels[at] = pad.bitmap[at] ? HATCH[(row + column) % 12 < 6 ? 0 : 1] : 0;
      }
    }
    strokes.flush(changed);
  }

  /** The layer at a photo point given as fractions of its width and height, or null. */
  function layerAt(fx, fy) {
    if (!map || fx < 0 || fy < 0 || fx >= 1 || fy >= 1) return null;
    const index = map[Math.floor(fy * size.height) * size.width + Math.floor(fx * size.width)];
    return index === NO_LAYER ? null : layers[index];
  }

  function draw(context, scene) {
    const { box, ratio, photo, view } = scene;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, box.width, box.height);
    if (!photo) return;
    const width = photo.width * view.scale;
    const height = photo.height * view.scale;
    context.imageSmoothingEnabled = view.scale < 6;
    context.imageSmoothingQuality = "high";
    context.drawImage(photo.image, view.x, view.y, width, height);
    if (map && !scene.hidden) {
      context.save();
      if (scene.compare !== null) {
        context.beginPath();
        context.rect(box.width * scene.compare, 0, box.width, box.height);
        context.clip();
      }
      context.imageSmoothingEnabled = true;
      context.globalAlpha = scene.opacity;
      context.drawImage(fills.canvas, view.x, view.y, width, height);
      context.globalAlpha = 1;
      context.drawImage(outlines.canvas, view.x, view.y, width, height);
      if (scene.names) drawNames(context, scene);
      context.restore();
    }
    if (strokes) context.drawImage(strokes.canvas, view.x, view.y, width, height);
    for (const area of scene.prompts.boxes) drawBox(context, view, area, true);
    if (scene.dragging) drawBox(context, view, scene.dragging, false);
    for (const point of scene.prompts.points) drawPoint(context, toScreen(view, point), point.label);
    if (scene.cursor) drawCursor(context, toScreen(view, scene.cursor));
    if (scene.ring) drawRing(context, scene.ring, scene.brush.size / 2);
  }

  function drawNames(context, { view, photo, box, lit, font, large }) {
    const taken = [];
    const written = new Set();
    const shown = layers.filter((layer) => layer.anchor && !layer.faint)
      .sort((a, b) => b.area - a.area)
      .filter((layer) => layers.length <= MANY || (!written.has(layer.name) && written.add(layer.name)))
      .slice(0, NAMES_AT_MOST);
    const unit = large ? LARGE : 1; // everything about a name grows together
    context.font = `600 ${12.5 * unit}px ${font}`;
    context.textBaseline = "middle";
    for (const layer of shown) {
      const at = toScreen(view, { x: layer.anchor.x * photo.width, y: layer.anchor.y * photo.height });
      const text = shorten(context, layer.name, 190 * unit);
      const textWidth = context.measureText(text).width;
      const scoreWidth = layer.score ? context.measureText(layer.score).width + 7 * unit : 0;
      const chip = { width: textWidth + scoreWidth + 28 * unit, height: 24 * unit };
      chip.left = Math.max(4, Math.min(box.width - chip.width - 4, at.x - chip.width / 2));
      chip.top = at.y - chip.height / 2;
      if (!findRoom(chip, taken, box)) continue;
      taken.push(chip);
      context.globalAlpha = lit && layer.id !== lit ? 0.35 : 1;
      chipBox(context, chip, 7 * unit);
      const middle = chip.top + chip.height / 2;
      context.fillStyle = layer.colour;
      context.beginPath();
      context.arc(chip.left + 12 * unit, middle, 4.5 * unit, 0, Math.PI * 2);
      context.fill();
      context.fillStyle = "#ffffff";
      context.fillText(text, chip.left + 21 * unit, middle + 0.5);
      if (layer.score) {
        context.fillStyle = "rgba(255, 255, 255, 0.72)";
        context.fillText(layer.score, chip.left + 28 * unit + textWidth, middle + 0.5);
      }
      context.globalAlpha = 1;
    }
  }

  return { setLayers, colour, paint, layerAt, draw };
}

/** Moves a chip up or down until it covers no other; false where there is no room. */
function findRoom(chip, taken, box) {
  const wanted = chip.top;
  for (const lines of [0, 1, -1, 2, -2]) {
    const top = wanted + lines * (chip.height + 4);
    chip.top = Math.max(4, Math.min(box.height - chip.height - 4, top));
    if (!taken.some((other) => overlaps(chip, other))) return true;
  }
  return false;
}

function overlaps(a, b) {
  return a.left < b.left + b.width + 3 && b.left < a.left + a.width + 3 &&
    a.top < b.top + b.height + 3 && b.top < a.top + a.height + 3;
}

function shorten(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  const letters = [...text];
  while (letters.length > 1 && context.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
}

function chipBox(context, { left, top, width, height }, radius) {
  context.fillStyle = "rgba(16, 18, 23, 0.84)";
  context.beginPath();
  context.roundRect(left, top, width, height, radius);
  context.fill();
}

function drawPoint(context, at, label) {
  context.beginPath();
  context.arc(at.x, at.y, MARK_RADIUS, 0, Math.PI * 2);
  context.fillStyle = label ? INCLUDE : EXCLUDE;
  context.shadowColor = "rgba(0, 0, 0, 0.45)";
  context.shadowBlur = 5;
  context.fill();
  context.shadowBlur = 0;
  context.lineWidth = 2;
  context.strokeStyle = "#ffffff";
  context.stroke();
  context.beginPath();
  context.moveTo(at.x - 4, at.y);
  context.lineTo(at.x + 4, at.y);
  if (label) {
    context.moveTo(at.x, at.y - 4);
    context.lineTo(at.x, at.y + 4);
  }
  context.stroke();
}

function drawBox(context, view, [x0, y0, x1, y1], finished) {
  const a = toScreen(view, { x: x0, y: y0 });
  const b = toScreen(view, { x: x1, y: y1 });
  context.lineWidth = 3.5;
  context.strokeStyle = "rgba(255, 255, 255, 0.9)";
  context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
  context.lineWidth = 2;
  context.strokeStyle = INCLUDE;
  context.setLineDash([6, 4]);
  context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
  context.setLineDash([]);
  if (!finished) return;
  context.beginPath();
  context.arc(b.x, a.y, MARK_RADIUS - 1, 0, Math.PI * 2);
  context.fillStyle = "#ffffff";
  context.fill();
  context.strokeStyle = INCLUDE;
  context.stroke();
  context.beginPath();
  context.moveTo(b.x - 3, a.y - 3);
  context.lineTo(b.x + 3, a.y + 3);
  context.moveTo(b.x + 3, a.y - 3);
  context.lineTo(b.x - 3, a.y + 3);
  context.stroke();
}

/** What the brush would cover. */
function drawRing(context, at, radius) {
  for (const [colour, width] of [["rgba(0, 0, 0, 0.55)", 3], ["#ffffff", 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, Math.PI * 2);
    context.stroke();
  }
}

/** Where the arrow keys stand. */
function drawCursor(context, at) {
  for (const [colour, width] of [["rgba(0, 0, 0, 0.6)", 4], ["#ffffff", 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(at.x, at.y, 11, 0, Math.PI * 2);
    context.moveTo(at.x - 16, at.y);
    context.lineTo(at.x - 7, at.y);
    context.moveTo(at.x + 7, at.y);
    context.lineTo(at.x + 16, at.y);
    context.moveTo(at.x, at.y - 16);
    context.lineTo(at.x, at.y - 7);
    context.moveTo(at.x, at.y + 7);
    context.lineTo(at.x, at.y + 16);
    context.stroke();
  }
}
