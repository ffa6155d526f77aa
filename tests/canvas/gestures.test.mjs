import assert from "node:assert/strict";
import test from "node:test";

import { createGestures, LONG_PRESS } from "../../partclipseg/studio/canvas/gestures.mjs";

const mouse = (x, y, more = {}) => ({ id: 1, kind: "mouse", negative: false, pan: false, time: 0, x, y, ...more });
const finger = (id, x, y, more = {}) => mouse(x, y, { id, kind: "touch", ...more });
const kinds = (actions) => actions.map((action) => action.type);

test("up to four pixels of shake is a click, where the press was", () => {
  const gestures = createGestures();
  gestures.down(mouse(100, 100));
  assert.deepEqual(gestures.move(mouse(102, 103)), []);
  const [action] = gestures.up(mouse(104, 100));
  assert.equal(action.type, "click");
  assert.deepEqual(action.at, { x: 100, y: 100 });
});

test("five pixels are a box", () => {
  const gestures = createGestures();
  gestures.down(mouse(100, 100));
  assert.deepEqual(kinds(gestures.move(mouse(105, 100))), ["box-move"]);
  const [action] = gestures.up(mouse(140, 160));
  assert.deepEqual([action.type, action.from, action.to], ["box", { x: 100, y: 100 }, { x: 140, y: 160 }]);
});

test("a box that comes back to its start is still no click", () => {
  const gestures = createGestures();
  gestures.down(mouse(100, 100));
  gestures.move(mouse(150, 150));
  assert.deepEqual(kinds(gestures.up(mouse(101, 100))), ["box"]);
});

test("five clicks are five clicks", () => {
  const gestures = createGestures();
  const clicks = [];
  for (let i = 0; i < 5; i += 1) {
    gestures.down(mouse(i * 30, 10));
    clicks.push(...gestures.up(mouse(i * 30 + 1, 10)));
  }
  assert.deepEqual(clicks.map((click) => click.at.x), [0, 30, 60, 90, 120]);
});

test("the right button means not this", () => {
  const gestures = createGestures();
  gestures.down(mouse(10, 10, { negative: true }));
  assert.equal(gestures.up(mouse(10, 10, { negative: true }))[0].negative, true);
});

test("a resting finger is one negative click, and lifting it is no second one", () => {
  const gestures = createGestures();
  gestures.down(finger(1, 50, 50, { time: 1000 }));
  assert.deepEqual(gestures.tick(1000 + LONG_PRESS - 1), []);
  const [action] = gestures.tick(1000 + LONG_PRESS);
  assert.deepEqual([action.type, action.negative], ["click", true]);
  assert.deepEqual(gestures.up(finger(1, 50, 50)), []);
});

test("a mouse that rests is no long press", () => {
  const gestures = createGestures();
  gestures.down(mouse(50, 50));
  assert.deepEqual(gestures.tick(LONG_PRESS * 2), []);
  assert.deepEqual(kinds(gestures.up(mouse(50, 50))), ["click"]);
});

test("two fingers zoom around their middle and leave no click behind", () => {
  const gestures = createGestures();
  gestures.down(finger(1, 100, 100));
  gestures.down(finger(2, 200, 100));
  const actions = gestures.move(finger(2, 300, 100));
  assert.deepEqual(kinds(actions), ["pan", "zoom"]);
  assert.equal(actions[1].factor, 2);
  assert.deepEqual(actions[1].at, { x: 200, y: 100 });
  assert.deepEqual(gestures.up(finger(1, 100, 100)), []);
  assert.deepEqual(gestures.move(finger(2, 320, 140)), []);
  assert.deepEqual(gestures.up(finger(2, 320, 140)), []);
  gestures.down(finger(3, 10, 10));
  assert.deepEqual(kinds(gestures.up(finger(3, 10, 10))), ["click"]);
});

test("a second finger drops the box that the first had begun", () => {
  const gestures = createGestures();
  gestures.down(finger(1, 100, 100));
  gestures.move(finger(1, 160, 160));
  assert.deepEqual(kinds(gestures.down(finger(2, 300, 300))), ["box-cancel"]);
});

test("a pointer that the browser takes away meant nothing", () => {
  const gestures = createGestures();
  gestures.down(finger(1, 100, 100));
  assert.deepEqual(gestures.cancel(1), []);
  assert.deepEqual(gestures.up(finger(1, 100, 100)), []);
  assert.equal(gestures.busy(), false);
});

test("with a brush every press paints at once, a tap too", () => {
  const gestures = createGestures();
  assert.deepEqual(kinds(gestures.down(mouse(10, 10, { draw: true }))), ["stroke-begin"]);
  const [action] = gestures.move(mouse(11, 10, { draw: true }));
  assert.deepEqual([action.type, action.from, action.to], ["stroke", { x: 10, y: 10 }, { x: 11, y: 10 }]);
  assert.deepEqual(kinds(gestures.up(mouse(11, 10))), ["stroke-end"]);
  gestures.down(finger(1, 50, 50, { draw: true, time: 0 }));
  assert.deepEqual(gestures.tick(LONG_PRESS * 2), [], "a resting brush is no negative click");
  assert.deepEqual(kinds(gestures.down(finger(2, 90, 50, { draw: true }))), ["stroke-cancel"]);
});

test("the middle button pans; without moving it picks", () => {
  const gestures = createGestures();
  gestures.down(mouse(10, 10, { pan: true }));
  assert.deepEqual(gestures.move(mouse(15, 8)), [{ type: "pan", dx: 5, dy: -2 }]);
  assert.deepEqual(gestures.up(mouse(15, 8)), []);
  gestures.down(mouse(10, 10, { pan: true }));
  gestures.move(mouse(12, 10));
  assert.deepEqual(gestures.up(mouse(12, 10)), [{ type: "pick", at: { x: 10, y: 10 } }]);
});
