import assert from "node:assert/strict";
import test from "node:test";

import { arrange, kept, nextSort, readLayers } from "../../partclipseg/studio/canvas/results.mjs";
import {
  anchorOf, buildLabelMap, NO_LAYER, paintFills, paintOutlines, pixelOf,
} from "../../partclipseg/studio/canvas/labelmap.mjs";

const part = (label, more = {}) => ({
  label, object: null, part: label, colour: "#0072b2", similarity: 0.5, probability: 0.8,
  predicted_iou: 0.7, granularity: null, share: 0.1, rle: { size: [3, 4], counts: "12301" }, ...more,
});
const words = (...parts) => {
  const ask = { kind: "text", text: "x" };
  return { ask, layers: readLayers(parts, ask, "words") };
};
const marks = (...parts) => {
  const ask = { kind: "prompts", text: "", points: [[1, 1, 1]], boxes: [] };
  return { ask, layers: readLayers(parts, ask, "marks") };
};
const view = (more = {}) => ({ threshold: 0.5, grain: "", overrides: new Map(), solo: null, sort: null, front: "words", ...more });
const shown = ({ layers }) => layers.filter((layer) => layer.visible).map((layer) => layer.label);

test("the threshold hides what is less sure, and nothing that has no probability", () => {
  const runs = { words: words(part("wheel"), part("door", { probability: 0.3 }), part("x", { probability: null })), marks: null };
  const arranged = arrange(runs, view());
  assert.deepEqual(shown(arranged), ["wheel", "x"]);
  assert.equal(arranged.below, 1);
  assert.deepEqual(shown(arrange(runs, view({ threshold: 0.2 }))), ["wheel", "door", "x"]);
});

test("of whole, part and sub-part one is shown: the first, or the chosen one", () => {
  const runs = {
    words: null,
    marks: marks(part("wheel", { granularity: "part" }), part("car", { granularity: "whole" })),
  };
  assert.deepEqual(shown(arrange(runs, view())), ["wheel"]);
  assert.deepEqual(shown(arrange(runs, view({ grain: "whole" }))), ["car"]);
  assert.deepEqual(shown(arrange(runs, view({ grain: "subpart" }))), ["wheel"]);
  assert.equal(arrange(runs, view()).layers.length, 2, "the alternatives stay in the list");
});

test("several parts of one size are not alternatives", () => {
  const runs = { words: null, marks: marks(part("a", { granularity: "part" }), part("b", { granularity: "part" })) };
  assert.deepEqual(shown(arrange(runs, view())), ["a", "b"]);
});

test("hiding and solo are the person's own", () => {
  const runs = { words: words(part("wheel"), part("door")), marks: null };
  const [wheel, door] = runs.words.layers;
  assert.deepEqual(shown(arrange(runs, view({ overrides: new Map([[wheel.id, false]]) }))), ["door"]);
  assert.deepEqual(shown(arrange(runs, view({ solo: [door.id] }))), ["door"]);
});

test("after a click the words step back, after words the click does", () => {
  const runs = { words: words(part("wheel")), marks: marks(part("door")) };
  const faint = (front) => arrange(runs, view({ front })).layers.filter((layer) => layer.faint).map((layer) => layer.label);
  assert.deepEqual(faint("marks"), ["wheel"]);
  assert.deepEqual(faint("words"), ["door"]);
});

test("a download is what is on screen", () => {
  const runs = { words: words(part("wheel"), part("door", { probability: 0.1 })), marks: marks(part("hood")) };
  const { layers } = arrange(runs, view());
  const told = kept(runs, layers);
  assert.deepEqual(told.runs.map((ask) => ask.kind), ["text", "prompts"]);
  assert.deepEqual(told.layers.map(({ label, sources }) => [label, sources]), [[null, [[1, 0]]], [null, [[0, 0]]]]);
});

test("the order is the person's own, and what has no number stands last", () => {
  const runs = {
    words: words(part("wheel", { similarity: 0.2 }), part("door", { similarity: null }), part("hood", { similarity: 0.6 })),
    marks: null,
  };
  const order = (sort) => arrange(runs, view({ sort })).layers.map((layer) => layer.label);
  assert.deepEqual(order(null), ["wheel", "door", "hood"]);
  assert.deepEqual(order({ by: "name", down: false }), ["door", "hood", "wheel"]);
  assert.deepEqual(order({ by: "similarity", down: true }), ["hood", "wheel", "door"]);
  assert.deepEqual(order({ by: "similarity", down: false }), ["wheel", "hood", "door"]);
  let sort = null;
  const presses = ["area", "area", "area", "name", "area"].map((by) => { sort = nextSort(sort, by); return sort && [sort.by, sort.down]; });
  assert.deepEqual(presses, [["area", true], ["area", false], null, ["name", false], ["area", true]]);
});

test("the smaller layer lies on top", () => {
  const big = { counts: [0, 12], area: 12 };
  const small = { counts: [4, 2, 6], area: 2 };
  const map = buildLabelMap([big, small], 4, 3);
  assert.deepEqual([...map], [0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
  const pixels = paintFills(map, [1, 2], new Uint32Array(12));
  assert.equal(pixels[5], 2);
  const edges = paintOutlines(map, 4, 3, [1, 2], new Uint32Array(12));
  assert.equal(edges[5], 2);
});

test("no layer, no colour; outlines only at the border", () => {
  const map = buildLabelMap([{ counts: [0, 25], area: 25 }], 5, 5);
  const edges = paintOutlines(map, 5, 5, [7], new Uint32Array(25));
  assert.equal(edges[12], 0);
  assert.equal(edges[0], 7);
  const none = buildLabelMap([], 2, 2);
  assert.deepEqual([...none], [NO_LAYER, NO_LAYER, NO_LAYER, NO_LAYER]);
  assert.deepEqual([...paintFills(none, [], new Uint32Array(4))], [0, 0, 0, 0]);
});

test("a colour and an alpha become one pixel", () => {
  assert.equal(pixelOf("#102030", 1), 0xff302010);
  assert.equal(pixelOf("#ffffff", 0), 0x00ffffff);
});

test("a name stands inside its mask, even if that is bent", () => {
  // a U of width 5: its centre column is empty but for the foot
  const height = 4;
  const counts = [0, 4, 3, 1, 3, 1, 3, 1, 0, 4];
  const { x, y } = anchorOf(counts, 5, height);
  const map = buildLabelMap([{ counts, area: 11 }], 5, height);
  assert.notEqual(map[Math.floor(y * height) * 5 + Math.floor(x * 5)], NO_LAYER);
  assert.equal(anchorOf([20], 5, height), null);
});
