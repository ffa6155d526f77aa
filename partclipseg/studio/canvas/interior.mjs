// Where a name stands: the point of a visible region that is farthest from its border.

import { NO_LAYER } from "./labelmap.mjs";

const GRID = 320; // cells along the longer side that are looked at: a name needs no finer place
const STRAIGHT = 5; // chamfer distances, in fifths of a cell
const DIAGONAL = 7;

/**
 * The most interior point of every layer's visible region, as fractions of width and height; null
 * where nothing of it is seen at this grain. One pass there and one back over all of them together.
 * @param map index of the topmost layer, row by row
 */
export function interiorPoints(map, width, height, count) {
  const step = Math.max(1, Math.ceil(Math.max(width, height) / GRID));
  const columns = Math.ceil(width / step);
  const rows = Math.ceil(height / step);
  const cells = new Int16Array(columns * rows);
  for (let row = 0, at = 0; row < rows; row += 1) {
    const y = Math.min(height - 1, row * step + (step >> 1));
    for (let column = 0; column < columns; column += 1, at += 1) {
      cells[at] = map[y * width + Math.min(width - 1, column * step + (step >> 1))];
    }
  }
  const away = new Uint16Array(cells.length).fill(65535);
  relax(cells, away, columns, rows, 1);
  relax(cells, away, columns, rows, -1);

  const best = Array.from({ length: count }, () => ({ away: 0, at: -1 }));
  for (let at = 0; at < cells.length; at += 1) {
    const index = cells[at];
    if (index !== NO_LAYER && away[at] > best[index].away) best[index] = { away: away[at], at };
  }
  return best.map(({ at }) => (at < 0 ? null : {
    x: Math.min(1, ((at % columns) * step + step / 2) / width),
    y: Math.min(1, (Math.floor(at / columns) * step + step / 2) / height),
  }));
}

/** direction 1: from the upper left corner on, -1: from the lower right one back. */
function relax(cells, away, columns, rows, direction) {
  const last = cells.length - 1;
  for (let count = 0; count <= last; count += 1) {
    const at = direction > 0 ? count : last - count;
    if (cells[at] === NO_LAYER) continue;
    const column = at % columns;
    const row = Math.floor(at / columns);
    for (const [dx, dy, cost] of [[-1, 0, STRAIGHT], [0, -1, STRAIGHT], [-1, -1, DIAGONAL], [1, -1, DIAGONAL]]) {
      const x = column + direction * dx;
      const y = row + direction * dy;
      const outside = x < 0 || y < 0 || x >= columns || y >= rows;
      const near = y * columns + x;
      const from = outside || cells[near] !== cells[at] ? 0 : away[near];
      if (from + cost < away[at]) away[at] = from + cost;
    }
  }
}
