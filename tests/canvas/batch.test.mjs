import assert from "node:assert/strict";
import test from "node:test";

import { shareOf, toldOf } from "../../partclipseg/studio/canvas/batch.mjs";

const photos = [
  { state: "done", share: 1 }, { state: "failed", share: 0 }, { state: "working", share: 0.5 },
  { state: "waiting", share: 0 },
];
const t = (key, values) => `${key} ${JSON.stringify(values)}`;

test("what failed is behind us, what is under way counts by its share", () => {
  assert.equal(shareOf(photos), 0.625);
  assert.equal(shareOf([]), 0);
});

test("while it runs the photo under way is told, then how many are done", () => {
  assert.equal(toldOf({ stage: "running", photos }, t), 'batch_running {"number":3,"count":4}');
  assert.equal(toldOf({ stage: "stopped", photos }, t), 'batch_stopped {"done":1,"count":4}');
});

test("the last photo stays the last", () => {
  const over = photos.map(() => ({ state: "done", share: 1 }));
  assert.equal(toldOf({ stage: "running", photos: over }, t), 'batch_running {"number":4,"count":4}');
});
