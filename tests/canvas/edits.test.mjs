import assert from "node:assert/strict";
import test from "node:test";

import { applyEdits, merge, NO_EDITS, remove, rename } from "../../partclipseg/studio/canvas/edits.mjs";
import { createHistory, withEdits } from "../../partclipseg/studio/canvas/prompts.mjs";
import { kept } from "../../partclipseg/studio/canvas/results.mjs";

const layer = (index, counts, more = {}) => ({
  id: `words:x:${index}`, lane: "words", counts, area: counts[1], grid: [2, 3], label: `car: ${index}`, object: "car",
  part: String(index), colour: `#00000${index}`, similarity: 0.5, probability: 0.9, iou: 0.8, grain: null, share: 0.1,
  given: false, visible: true, score: "0.50", sources: [{ lane: "words", index }], ...more,
});
const LAYERS = [layer(0, [0, 2, 4]), layer(1, [1, 3, 2]), layer(2, [4, 2])];
const labels = (layers) => layers.map((one) => one.label);

test("a renamed layer has a new name and no score for the old one", () => {
  const [, renamed] = applyEdits(LAYERS, rename(NO_EDITS, LAYERS[1].id, "bike: bell"));
  assert.deepEqual([renamed.label, renamed.object, renamed.part], ["bike: bell", "bike", "bell"]);
  assert.deepEqual([renamed.similarity, renamed.probability, renamed.score], [null, null, ""]);
  assert.equal(renamed.colour, LAYERS[1].colour, "its colour stays");
  const [plain] = applyEdits(LAYERS, rename(NO_EDITS, LAYERS[0].id, "thing"));
  assert.deepEqual([plain.object, plain.part], [null, "thing"]);
});

test("deleted layers are gone, and what is not there is passed over", () => {
  const edits = remove(NO_EDITS, [LAYERS[0].id, "words:another question:0"]);
  assert.deepEqual(labels(applyEdits(LAYERS, edits)), ["car: 1", "car: 2"]);
});

test("merged layers are one, with every pixel of them once", () => {
  const edits = merge(NO_EDITS, [LAYERS[1], LAYERS[0]]);
  const [one, rest] = applyEdits(LAYERS, edits);
  assert.deepEqual([one.label, one.colour, one.area, one.counts], ["car: 1", "#000001", 4, [0, 4, 2]]);
  assert.deepEqual(one.sources.map((source) => source.index), [1, 0]);
  assert.equal(one.share, 4 / 6);
  assert.equal(rest.id, LAYERS[2].id);
  const twice = merge(edits, [one, rest]);
  assert.deepEqual(applyEdits(LAYERS, rename(twice, "merged:2", "all")).map(({ label, area }) => [label, area]), [["all", 6]]);
  assert.deepEqual(labels(applyEdits(LAYERS.slice(1), edits)), ["car: 1", "car: 2"], "a source is missing: no merge");
});

test("a download names the sources of what is shown", () => {
  const edits = rename(merge(NO_EDITS, [LAYERS[0], LAYERS[2]]), LAYERS[1].id, "bell");
  const told = kept({ words: { ask: { kind: "text" } }, marks: null }, applyEdits(LAYERS, edits));
  assert.deepEqual(told.layers, [
    { label: "car: 0", colour: "#000000", sources: [[0, 0], [0, 2]] },
    { label: "bell", colour: "#000001", sources: [[0, 1]] },
  ]);
});

test("undo brings a name back", () => {
  const history = createHistory();
  history.push(withEdits(history.state, rename(history.state.edits, "a", "b")));
  assert.deepEqual(history.undo().edits, NO_EDITS);
});
