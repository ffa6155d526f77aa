import assert from "node:assert/strict";
import test from "node:test";

import {
  addBox, addPoint, clearMarks, createHistory, EMPTY, hasMarks, markAt, removeMark, withMask, withWords,
} from "../../partclipseg/studio/canvas/prompts.mjs";

const same = (point) => point;

test("states are not changed, new ones are made", () => {
  const one = addPoint(EMPTY, 3, 4, 1);
  const two = addBox(one, [1, 2, 5, 6]);
  assert.equal(hasMarks(EMPTY), false);
  assert.equal(one.boxes.length, 0);
  assert.equal(two.points.length, 1);
  assert.deepEqual(clearMarks(withWords(two, { kind: "text", text: "wheel" })).words.text, "wheel");
});

test("a painted mask is a mark, can be undone and is cleared with the others", () => {
  const history = createHistory();
  history.push(withMask(EMPTY, { size: [2, 2], counts: "04" }));
  assert.equal(hasMarks(history.state), true);
  assert.equal(clearMarks(history.state).mask, null);
  assert.equal(history.undo().mask, null);
  assert.equal(history.redo().mask.counts, "04");
});

test("a click on a mark finds the newest one there", () => {
  let state = addPoint(addPoint(EMPTY, 10, 10, 1), 12, 10, 0);
  state = addBox(state, [20, 20, 60, 50]);
  assert.deepEqual(markAt(state, { x: 13, y: 10 }, same, 8), { kind: "point", index: 1 });
  assert.deepEqual(markAt(state, { x: 58, y: 22 }, same, 8), { kind: "box", index: 0 });
  assert.equal(markAt(state, { x: 40, y: 35 }, same, 8), null);
  const left = removeMark(state, { kind: "point", index: 1 });
  assert.deepEqual(left.points.map((point) => point.x), [10]);
  assert.equal(removeMark(state, { kind: "box", index: 0 }).boxes.length, 0);
});

test("undo goes back step by step and redo comes again", () => {
  const history = createHistory();
  history.push(addPoint(history.state, 1, 1, 1));
  history.push(addPoint(history.state, 2, 2, 0));
  assert.equal(history.undo().points.length, 1);
  assert.equal(history.undo(), EMPTY);
  assert.equal(history.undo(), EMPTY);
  assert.equal(history.redo().points.length, 1);
  history.push(addBox(history.state, [0, 0, 1, 1]));
  assert.equal(history.canRedo, false);
});

test("a new photo starts with no past", () => {
  const history = createHistory();
  history.push(addPoint(history.state, 1, 1, 1));
  history.clear();
  assert.equal(history.canUndo, false);
  assert.equal(hasMarks(history.state), false);
});
