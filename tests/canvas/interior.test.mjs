import assert from "node:assert/strict";
import test from "node:test";

import { interiorPoints } from "../../partclipseg/studio/canvas/interior.mjs";

/** A map of width x height from a function of the pixel. */
function mapOf(width, height, at) {
  const map = new Int16Array(width * height);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) map[y * width + x] = at(x, y);
  return map;
}

test("a name stands in the thickest place, not in the middle of the bounding box", () => {
  // a frying pan: a disc on the left and a long handle
  const map = mapOf(200, 80, (x, y) => (Math.hypot(x - 40, y - 40) < 30 || (Math.abs(y - 40) < 4 && x > 40) ? 0 : -1));
  const [{ x, y }] = interiorPoints(map, 200, 80, 1);
  assert.ok(Math.abs(x * 200 - 40) < 4 && Math.abs(y * 80 - 40) < 4, `${x * 200}, ${y * 80}`);
});

test("a body's name does not stand on the wheel that covers it", () => {
  const map = mapOf(120, 60, (x, y) => (Math.hypot(x - 40, y - 30) < 25 ? 1 : 0));
  const [body, wheel] = interiorPoints(map, 120, 60, 2);
  assert.equal(map[Math.floor(body.y * 60) * 120 + Math.floor(body.x * 120)], 0);
  assert.ok(body.x > 0.6, "on the side where there is room");
  assert.ok(Math.hypot(wheel.x * 120 - 40, wheel.y * 60 - 30) < 3);
});

test("what is not seen has no place; large maps are looked at coarsely", () => {
  assert.deepEqual(interiorPoints(mapOf(4, 4, () => -1), 4, 4, 2), [null, null]);
  const [{ x, y }] = interiorPoints(mapOf(1280, 640, (column) => (column > 640 ? 0 : -1)), 1280, 640, 1);
  assert.ok(Math.abs(x - 0.75) < 0.05 && Math.abs(y - 0.5) < 0.1);
});
