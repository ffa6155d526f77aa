import assert from "node:assert/strict";
import test from "node:test";

import { decodeLink, encodeLink, fitLink } from "../../partclipseg/studio/canvas/permalink.mjs";

const EXAMPLES = ["truck", "cat"];
const VIEW = {
  example: "truck", text: "car: wheel, door", words: { kind: "text", text: "car: wheel, door" },
  points: [{ x: 120.46, y: 88, label: 1 }, { x: 3, y: 4, label: 0 }], boxes: [[1, 2, 30.25, 40]],
  grain: "part", threshold: 0.4,
};
const back = (view) => decodeLink(encodeLink(view), EXAMPLES);

test("what is on screen comes back, to a tenth of a pixel", () => {
  assert.equal(encodeLink(VIEW), "?example=truck&words=car:+wheel,+door&point=120.5,88,1&point=3,4,0&box=1,2,30.3,40&size=part&sure=40");
  assert.deepEqual(back(VIEW), {
    ...VIEW, points: [{ x: 120.5, y: 88, label: 1 }, { x: 3, y: 4, label: 0 }], boxes: [[1, 2, 30.3, 40]],
    ignored: false, bare: false,
  });
});

test("words are asked, kept for the clicks alone, or everything is found", () => {
  assert.deepEqual(back({ ...VIEW, words: null }).words, null);
  assert.equal(back({ ...VIEW, words: null }).text, "car: wheel, door");
  assert.deepEqual(back({ ...VIEW, words: { kind: "everything", text: "" } }).words, { kind: "everything", text: "" });
  assert.deepEqual(back({ ...VIEW, text: "typed, not asked", words: { kind: "text", text: "wheel" } }).words, { kind: "text", text: "wheel" });
  const nothing = back({ ...VIEW, text: "", words: null, points: [], boxes: [] });
  assert.deepEqual([nothing.words, nothing.bare], [null, false], "an emptied view is not the example's own");
});

test("any text survives, whatever it looks like", () => {
  for (const text of ["${7*6} & <img src=x>", "a=b&words=c#d?e", "문, 바퀴", "100% \"x\" + y", "\\n;:,"]) {
    assert.equal(back({ ...VIEW, text, words: { kind: "text", text } }).words.text, text);
  }
  assert.equal(back({ ...VIEW, text: "half \ud800", words: null }).text, "half \ufffd", "half a character has no code");
});

test("an address without our field is no link of ours, and other fields are left alone", () => {
  assert.equal(decodeLink("", EXAMPLES), null);
  assert.equal(decodeLink("?__theme=dark&words=x", EXAMPLES), null);
  assert.deepEqual(decodeLink("?__theme=dark&example=cat", EXAMPLES), {
    example: "cat", text: "", words: null, points: [], boxes: [], grain: "", threshold: 0, ignored: false, bare: true,
  });
});

test("what does not fit is left out and told", () => {
  const bad = [
    "point=1,2", "point=1,2,3", "point=1,2,1;alert(1)", "point=NaN,2,1", "point=-1,2,1", "point=1e9,2,1", "point=Infinity,1,1", "point=",
    "box=1,2,3", "box=5,5,1,9", "box=1,1,1,9", "size=huge", "sure=101", "sure=-1", "sure=1.5", "find=__proto__", "find=toString",
  ];
  for (const field of bad) {
    const link = decodeLink(`?example=truck&words=wheel&${field}`, EXAMPLES);
    assert.deepEqual([link.points, link.boxes, link.grain, link.threshold, link.ignored], [[], [], "", 0, true], field);
  }
  const long = decodeLink(`?example=truck&words=${"x".repeat(5000)}`, EXAMPLES);
  assert.deepEqual([long.text, long.words, long.ignored], ["", null, true]);
  assert.equal(decodeLink("?example=../secret", EXAMPLES).example, null);
});

test("no more points than the server takes", () => {
  const link = decodeLink(`?example=cat&${"point=1,1,1&".repeat(300)}`, EXAMPLES);
  assert.deepEqual([link.points.length, link.ignored], [200, true]);
});

test("marks outside of the photo are left out", () => {
  const link = back({ ...VIEW, points: [{ x: 99, y: 49, label: 1 }, { x: 100, y: 10, label: 1 }], boxes: [[0, 0, 100, 50], [0, 0, 101, 20]] });
  const fitted = fitLink(link, { width: 100, height: 50 });
  assert.deepEqual([fitted.points.length, fitted.boxes, fitted.ignored], [1, [[0, 0, 100, 50]], true]);
  assert.equal(fitLink(back(VIEW), { width: 1000, height: 1000 }).ignored, false);
});
