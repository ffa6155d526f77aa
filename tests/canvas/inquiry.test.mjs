import assert from "node:assert/strict";
import test from "node:test";

import { createInquiry } from "../../partclipseg/studio/canvas/inquiry.mjs";
import { nextTab } from "../../partclipseg/studio/canvas/drawer.mjs";

/** An inquiry whose questions are answered by hand, with a clock that is moved by hand. */
function start(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  const inquiry = createInquiry(
    (payload, onStage) => new Promise((answer) => { asked.push({ payload, answer, onStage }); }), () => {}, 400,
  );
  const want = (key, busy = false, group = "photo") => inquiry.want(key && { key, group, payload: key }, busy);
  const answer = async (given) => {
    asked.at(-1).answer(given);
    await new Promise((done) => { setImmediate(done); });
  };
  return { inquiry, want, answer, asked, pass: (ms) => context.mock.timers.tick(ms) };
}

const payloads = (asked) => asked.map(({ payload }) => payload);

test("the first is asked at once, later ones once nothing changes any more", async (context) => {
  const { want, answer, asked, pass, inquiry } = start(context);
  want("a");
  pass(0);
  assert.deepEqual(payloads(asked), ["a"]);
  await answer({ told: 1 });
  for (const key of ["b", "c", "d"]) {
    want(key);
    pass(300);
  }
  assert.equal(asked.length, 1);
  assert.deepEqual(inquiry.state.older, { told: 1 });
  pass(100);
  assert.deepEqual(payloads(asked), ["a", "d"]);
});

test("nothing is asked while another question is under way", (context) => {
  const { want, asked, pass } = start(context);
  want("a", true);
  pass(5000);
  assert.equal(asked.length, 0);
  want("a", false);
  pass(400);
  assert.deepEqual(payloads(asked), ["a"]);
});

test("an answer is kept, and one to an old question is not shown for the new one", async (context) => {
  const { want, answer, asked, pass, inquiry } = start(context);
  want("a");
  pass(0);
  want("b");
  await answer({ of: "a" });
  assert.equal(inquiry.state.answer, null);
  pass(400);
  await answer({ of: "b" });
  assert.deepEqual(inquiry.state.answer, { of: "b" });
  want("a");
  pass(400);
  assert.deepEqual([inquiry.state.answer, asked.length], [{ of: "a" }, 2]);
});

test("a question that was stopped is asked again; closed, it is not", async (context) => {
  const { want, answer, asked, pass } = start(context);
  want("a");
  pass(0);
  await answer({ stopped: true });
  pass(400);
  assert.equal(asked.length, 2);
  want(null);
  await answer({ dropped: true });
  pass(5000);
  assert.equal(asked.length, 2);
});

test("an error stays until it is tried again", async (context) => {
  const { want, answer, asked, pass, inquiry } = start(context);
  want("a");
  pass(0);
  await answer({ error: { message: "no" } });
  pass(5000);
  assert.deepEqual([inquiry.state.answer.error.message, asked.length], ["no", 1]);
  inquiry.retry();
  pass(0);
  assert.equal(asked.length, 2);
});

test("an answer about another photo does not stand in", async (context) => {
  const { want, answer, pass, inquiry } = start(context);
  want("a");
  pass(0);
  await answer({ of: "a" });
  want("b", false, "other photo");
  assert.equal(inquiry.state.older, null);
});

test("how far it is is told, and forgotten with the answer", async (context) => {
  const { want, answer, asked, pass, inquiry } = start(context);
  want("a");
  pass(0);
  asked[0].onStage("drawing_maps", 0.5);
  assert.deepEqual(inquiry.state.stage, { name: "drawing_maps", share: 0.5 });
  await answer({});
  assert.equal(inquiry.state.stage, null);
});

test("arrow keys go round the tabs", () => {
  assert.deepEqual(["ArrowRight", "ArrowLeft", "Home", "End", "x"].map((key) => nextTab(4, key, 5)), [0, 3, 0, 4, null]);
  assert.equal(nextTab(0, "ArrowLeft", 5), 4);
});
