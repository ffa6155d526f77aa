import assert from "node:assert/strict";
import test from "node:test";

import { inOneLine, ranking } from "../../partclipseg/studio/canvas/ranking.mjs";

const row = (label, similarity, probability) => ({ label, similarity, probability });

test("similarities are drawn in proportion to the best, and below zero not at all", () => {
  assert.deepEqual(ranking([row("wheel", 0.5, 0), row("door", 0.25, 0), row("sky", -0.1, 0)], "similarity"), [
    { label: "wheel", text: "0.50", length: 1 },
    { label: "door", text: "0.25", length: 0.5 },
    { label: "sky", text: "−0.10", length: 0 },
  ]);
  assert.deepEqual(ranking([row("sky", -0.1, 0)], "similarity")[0].length, 0);
});

test("probabilities are drawn in proportion to certainty", () => {
  const rows = ranking([row("car: wheel", 0.1, 0.625), row("car", 0.2, 0.004), row("dog", 0.2, 0)], "probability");
  assert.deepEqual(rows.map(({ text, length }) => [text, length]), [["63%", 0.625], ["<1%", 0.004], ["0%", 0]]);
});

test("no names, no bars", () => {
  assert.deepEqual(ranking([], "similarity"), []);
  assert.equal(inOneLine([]), "");
});

test("the surest in a line", () => {
  const rows = [row("car", 0, 0.62), row("truck", 0, 0.2), row("bus", 0, 0.1), row("dog", 0, 0.01)];
  assert.equal(inOneLine(rows), "car 62%, truck 20%, bus 10%");
});
