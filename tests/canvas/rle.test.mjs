import assert from "node:assert/strict";
import test from "node:test";

import { countsOf, decodeCounts, encodeCounts, fillRuns, forEachRun } from "../../partclipseg/studio/canvas/rle.mjs";

// Made with pycocotools.mask.encode; the masks are given beside them.
const CASES = [
  { size: [3, 4], counts: "12301", rows: ["..#.", "#.#.", "#..."] },
  {
    size: [5, 6], counts: "63200NO0124",
    rows: ["......", ".####.", ".##.#.", ".####.", "......"],
  },
];

function rowsOf(counts, [height, width]) {
  const rows = Array.from({ length: height }, () => Array(width).fill("."));
  forEachRun(decodeCounts(counts), height, (column, top, bottom) => {
    for (let row = top; row < bottom; row += 1) rows[row][column] = "#";
  });
  return rows.map((row) => row.join(""));
}

test("a string of pycocotools gives back its mask", () => {
  for (const { size, counts, rows } of CASES) assert.deepEqual(rowsOf(counts, size), rows);
});

test("an empty and a full mask", () => {
  assert.deepEqual(rowsOf("6", [2, 3]), ["...", "..."]);
  assert.deepEqual(rowsOf("06", [2, 3]), ["###", "###"]);
});

test("long runs take several characters", () => {
  assert.deepEqual(decodeCounts("Pac0PXl4Pac0"), [20000, 160000, 20000]);
});

test("a run over several columns is told column by column", () => {
  const seen = [];
  forEachRun([2, 5, 2], 3, (...run) => seen.push(run));
  assert.deepEqual(seen, [[0, 2, 3], [1, 0, 3], [2, 0, 1]]);
});

test("a broken string is an error, not an endless loop", () => {
  assert.throws(() => decodeCounts("P"), /end in the middle/);
});

test("writing is the inverse of reading, character by character", () => {
  for (const { size: [height, width], counts, rows } of CASES) {
    const bitmap = new Uint8Array(width * height);
    rows.forEach((row, y) => [...row].forEach((mark, x) => { bitmap[y * width + x] = mark === "#" ? 1 : 0; }));
    assert.equal(encodeCounts(countsOf(bitmap, width, height)), counts);
    assert.deepEqual(fillRuns(new Uint8Array(width * height), decodeCounts(counts), width, height), bitmap);
  }
  for (const lengths of [[20000, 160000, 20000], [0, 6], [6], [1, 40, 900, 3, 1, 77777, 0, 31, 32]]) {
    assert.deepEqual(decodeCounts(encodeCounts(lengths)), lengths);
  }
});
