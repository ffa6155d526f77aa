// A mask that a person paints: a bitmap of the size in which masks travel, and lines drawn on it.

import { countsOf, decodeCounts, encodeCounts, fillRuns } from "./rle.mjs";

export const BRUSH = { least: 4, most: 160, usual: 28, step: 1.25 };

/**
 * Sets the pixels of a line with round ends. Coordinates are edges, in pixels of the bitmap.
 * @returns the rectangle that was touched, or null if all of the line lies outside
 */
export function stampLine(bitmap, { width, height }, from, to, radius, value) {
  const reach = Math.max(radius, 0.75); // thinner would slip between the pixels' centres
  const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach));
  const right = Math.min(width, Math.ceil(Math.max(from.x, to.x) + reach));
  const bottom = Math.min(height, Math.ceil(Math.max(from.y, to.y) + reach));
  if (right <= left || bottom <= top) return null;
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  for (let row = top; row < bottom; row += 1) {
    const y = row + 0.5 - from.y;
    for (let column = left; column < right; column += 1) {
      const x = column + 0.5 - from.x;
      const along = length > 0 ? Math.min(1, Math.max(0, (x * dx + y * dy) / length)) : 0;
      const awayX = x - along * dx;
      const awayY = y - along * dy;
      if (awayX * awayX + awayY * awayY <= reach * reach) bitmap[row * width + column] = value;
    }
  }
  return { left, top, right, bottom };
}

/** The sheet that is painted on; size is [height, width], a mask is {size, counts} or null. */
export function createPad([height, width]) {
  const bitmap = new Uint8Array(width * height);
  let shown = null;
  return {
    width,
    height,
    bitmap,
    get whole() {
      return { left: 0, top: 0, right: width, bottom: height };
    },
    /** Shows a mask; false where it is shown already. */
    load(mask) {
      if (mask === shown) return false;
      shown = mask;
      bitmap.fill(0);
      if (mask) fillRuns(bitmap, decodeCounts(mask.counts), width, height);
      return true;
    },
    line(from, to, radius, value) {
      shown = undefined;
      return stampLine(bitmap, { width, height }, from, to, radius, value);
    },
    /** What is painted now, null where nothing is. */
    mask() {
      if (!bitmap.includes(1)) return null;
      shown = { size: [height, width], counts: encodeCounts(countsOf(bitmap, width, height)) };
      return shown;
    },
  };
}
