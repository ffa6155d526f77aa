// Many masks as one picture: a map that says which layer lies on top at each pixel.

import { forEachRun } from "./rle.mjs";

export const NO_LAYER = -1;

/**
 * The index of the topmost layer at every pixel, row by row, NO_LAYER where there is none.
 * The smaller area lies on top, so that a wheel stays visible on its car.
 * @param layers [{counts, area}] at width x height
 */
export function buildLabelMap(layers, width, height) {
  const map = new Int16Array(width * height).fill(NO_LAYER);
  const order = layers.map((_, index) => index).sort((a, b) => layers[b].area - layers[a].area);
  for (const index of order) {
    forEachRun(layers[index].counts, height, (column, top, bottom) => {
      for (let row = top, at = top * width + column; row < bottom; row += 1, at += width) {
        map[at] = index;
      }
    });
  }
  return map;
}

/** "#rrggbb" and an alpha of 0..1 as one RGBA pixel of a little-endian Uint32Array. */
export function pixelOf(hex, alpha = 1) {
  const value = Number.parseInt(hex.slice(1), 16);
  const red = (value >> 16) & 255;
  const green = (value >> 8) & 255;
  const blue = value & 255;
  return ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Fills `pixels` (Uint32, one an RGBA pixel) with each layer's colour. */
export function paintFills(map, colours, pixels) {
  for (let at = 0; at < map.length; at += 1) {
    const index = map[at];
    pixels[at] = index === NO_LAYER ? 0 : colours[index];
  }
  return pixels;
}

/** Fills `pixels` with the layers' borders: the layer's own colour, on its inner side. */
export function paintOutlines(map, width, height, colours, pixels) {
  pixels.fill(0);
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      const index = map[at];
      if (index === NO_LAYER) continue;
      const inside =
        column > 0 && map[at - 1] === index &&
        column < width - 1 && map[at + 1] === index &&
        row > 0 && map[at - width] === index &&
        row < height - 1 && map[at + width] === index;
      if (!inside) pixels[at] = colours[index];
    }
  }
  return pixels;
}

/** A point inside a mask, quickly, for what is too small or hidden to look closer: the middle of its longest vertical run near its centre. */
export function anchorOf(counts, width, height) {
  let area = 0;
  let sum = 0;
  forEachRun(counts, height, (column, top, bottom) => {
    area += bottom - top;
    sum += column * (bottom - top);
  });
  if (area === 0) return null;
  const centre = sum / area;
  let best = null;
  forEachRun(counts, height, (column, top, bottom) => {
    const worth = (bottom - top) - Math.abs(column - centre) * 0.5;
    if (!best || worth > best.worth) best = { worth, x: column + 0.5, y: (top + bottom) / 2 };
  });
  return { x: best.x / width, y: best.y / height };
}
