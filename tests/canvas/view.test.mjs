import assert from "node:assert/strict";
import test from "node:test";

import {
  boxBetween, clampView, fitView, insidePhoto, toPhoto, toScreen, zoomView,
} from "../../partclipseg/studio/canvas/view.mjs";

const PHOTO = { width: 300, height: 200 };
const close = (a, b) => assert.ok(Math.abs(a.x - b.x) < 1e-9 && Math.abs(a.y - b.y) < 1e-9, JSON.stringify([a, b]));

test("the whole photo is shown, centred, in wide and in tall rooms", () => {
  assert.deepEqual(fitView(PHOTO, { width: 600, height: 600 }), { scale: 2, x: 0, y: 100 });
  assert.deepEqual(fitView(PHOTO, { width: 900, height: 200 }), { scale: 1, x: 300, y: 0 });
});

test("a tiny photo is not blown up without end", () => {
  assert.equal(fitView({ width: 16, height: 16 }, { width: 1600, height: 1600 }, 8).scale, 8);
});

test("photo to screen and back, at any zoom", () => {
  let view = fitView(PHOTO, { width: 777, height: 431 });
  const fitted = view;
  for (const factor of [1, 1.7, 3, 0.4]) {
    view = zoomView(view, factor, { x: 200, y: 150 }, fitted);
    for (const point of [{ x: 0, y: 0 }, { x: 299.5, y: 0.5 }, { x: 123.25, y: 199 }]) {
      close(toPhoto(view, toScreen(view, point)), point);
    }
  }
});

test("the point under the wheel stays where it is", () => {
  const fitted = fitView(PHOTO, { width: 600, height: 400 });
  const at = { x: 171, y: 93 };
  const before = toPhoto(fitted, at);
  close(toPhoto(zoomView(fitted, 2.5, at, fitted), at), before);
});

test("the same photo point is found after the window has changed", () => {
  const point = { x: 250.5, y: 20.5 };
  const small = fitView(PHOTO, { width: 320, height: 300 });
  const large = fitView(PHOTO, { width: 1400, height: 800 });
  close(toPhoto(small, toScreen(small, point)), toPhoto(large, toScreen(large, point)));
});

test("zooming out stops at the whole photo, moving stops at its edges", () => {
  const room = { width: 600, height: 400 };
  const fitted = fitView(PHOTO, room);
  assert.equal(zoomView(fitted, 0.1, { x: 0, y: 0 }, fitted).scale, fitted.scale);
  const far = clampView({ scale: 4, x: 5000, y: -5000 }, PHOTO, room);
  assert.deepEqual(far, { scale: 4, x: 0, y: 400 - 800 });
});

test("outside is outside, the last pixel is inside", () => {
  assert.ok(insidePhoto(PHOTO, { x: 0, y: 0 }));
  assert.ok(insidePhoto(PHOTO, { x: 299.9, y: 199.9 }));
  assert.ok(!insidePhoto(PHOTO, { x: 300, y: 10 }));
  assert.ok(!insidePhoto(PHOTO, { x: -0.1, y: 10 }));
});

test("a box drawn in any direction and over the edge has ordered corners inside the photo", () => {
  assert.deepEqual(boxBetween(PHOTO, { x: 310, y: 150 }, { x: 100, y: -20 }), [100, 0, 300, 150]);
});
