import assert from "node:assert/strict";
import test from "node:test";

import { completeName, nameAt } from "../../partclipseg/studio/canvas/typing.mjs";

test("the name at the cursor ends there and begins after the last separator", () => {
  assert.deepEqual(nameAt("car: wheel, fro", 15), { from: 12, begun: "fro" });
  assert.deepEqual(nameAt("car: wheel, -hub", 16), { from: 13, begun: "hub" });
  assert.deepEqual(nameAt("dog", 2), { from: 0, begun: "do" });
  assert.deepEqual(nameAt("개：머", 3), { from: 2, begun: "머" });
});

test("a suggestion takes the place of the name, and nothing else", () => {
  assert.deepEqual(completeName("car: whe, door", 8, "wheel"), { text: "car: wheel, door", caret: 10 });
  assert.deepEqual(completeName("car: wheel, -hu", 15, "hubcap"), { text: "car: wheel, -hubcap", caret: 19 });
  assert.deepEqual(completeName("do; cat: ear", 1, "dog"), { text: "dog; cat: ear", caret: 3 });
});

test("a name with separators is quoted", () => {
  assert.equal(completeName("sa", 2, "salt, pepper").text, '"salt, pepper"');
  assert.equal(completeName('"sa', 3, "salt, pepper").text, '"salt, pepper"');
});
