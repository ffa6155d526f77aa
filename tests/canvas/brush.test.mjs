import assert from "node:assert/strict";
import test from "node:test";

import { createPad, stampLine } from "../../partclipseg/studio/canvas/brush.mjs";

const rowsOf = (bitmap, width) =>
  Array.from({ length: bitmap.length / width }, (_, row) =>
    [...bitmap.slice(row * width, (row + 1) * width)].map((value) => ".#"[value]).join(""));

test("a line has round ends and its own thickness", () => {
  const size = { width: 9, height: 5 };
  const bitmap = new Uint8Array(45);
  const touched = stampLine(bitmap, size, { x: 2.5, y: 2.5 }, { x: 6.5, y: 2.5 }, 1.2, 1);
  assert.deepEqual(rowsOf(bitmap, 9), [".........", "..#####..", ".#######.", "..#####..", "........."]);
  assert.deepEqual(touched, { left: 1, top: 1, right: 8, bottom: 4 });
  stampLine(bitmap, size, { x: 4.5, y: 2.5 }, { x: 4.5, y: 2.5 }, 0, 0);
  assert.equal(rowsOf(bitmap, 9)[2], ".###.###.", "the thinnest eraser still takes a pixel");
});

test("what lies outside is cut off", () => {
  const bitmap = new Uint8Array(16);
  const size = { width: 4, height: 4 };
  assert.equal(stampLine(bitmap, size, { x: -9, y: -9 }, { x: -5, y: 2 }, 2, 1), null);
  stampLine(bitmap, size, { x: -3, y: 0.5 }, { x: 9, y: 0.5 }, 0.5, 1);
  assert.deepEqual(rowsOf(bitmap, 4), ["####", "....", "....", "...."]);
});

test("a pad gives its mask back, and none once all is rubbed out", () => {
  const pad = createPad([4, 6]);
  pad.line({ x: 1, y: 1 }, { x: 5, y: 3 }, 1, 1);
  const mask = pad.mask();
  assert.deepEqual(mask.size, [4, 6]);
  assert.equal(pad.load(mask), false, "it is shown already");
  const painted = [...pad.bitmap];
  assert.equal(pad.load(null), true);
  assert.equal(pad.bitmap.includes(1), false);
  assert.equal(pad.load(mask), true);
  assert.deepEqual([...pad.bitmap], painted);
  pad.line({ x: 0, y: 2 }, { x: 6, y: 2 }, 9, 0);
  assert.equal(pad.mask(), null);
});
