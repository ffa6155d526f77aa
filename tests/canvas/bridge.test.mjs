import assert from "node:assert/strict";
import test from "node:test";

import { createBridge } from "../../partclipseg/studio/canvas/bridge.mjs";

function server() {
  const sent = [];
  const bridge = createBridge((event, payload) => sent.push({ event, ...payload }));
  return { sent, bridge };
}

test("five questions at once: the first and the last are sent, and the last is answered", async () => {
  const { sent, bridge } = server();
  const outcomes = [1, 2, 3, 4, 5].map((n) => bridge.ask("marks", "segment", { points: n }));
  assert.deepEqual(sent.map((question) => question.points), [1]);
  bridge.receive({ seq: sent[0].seq, parts: "one" });
  assert.deepEqual(sent.map((question) => question.points), [1, 5]);
  bridge.receive({ seq: sent[1].seq, parts: "five" });
  const [first, second, , , last] = await Promise.all(outcomes);
  assert.equal(first.answer.parts, "one");
  assert.equal(second.dropped, true);
  assert.equal(last.answer.parts, "five");
  assert.equal(bridge.busy, false);
});

test("an old answer is not taken for a new one", async () => {
  const { sent, bridge } = server();
  const asked = bridge.ask("words", "segment", {});
  bridge.receive({ seq: sent[0].seq - 1, parts: "old" });
  bridge.receive(null);
  assert.equal(bridge.busy, true);
  bridge.receive({ seq: sent[0].seq, parts: "new" });
  assert.equal((await asked).answer.parts, "new");
});

test("stages are told, and do not end the question", async () => {
  const { sent, bridge } = server();
  const stages = [];
  const asked = bridge.ask("photo", "open", {}, (stage) => stages.push(stage));
  bridge.receive({ seq: sent[0].seq, stage: "encoding" });
  assert.equal(bridge.busy, true);
  bridge.receive({ seq: sent[0].seq, photo: {} });
  await asked;
  assert.deepEqual(stages, ["encoding"]);
});

test("a question without an answer ends, and the next one is sent", async () => {
  const { sent, bridge } = server();
  const lost = bridge.ask("words", "segment", { n: 1 });
  const next = bridge.ask("marks", "segment", { n: 2 });
  bridge.fail("save"); // another event's failure is not ours
  assert.equal(sent.length, 1);
  bridge.fail("segment");
  assert.equal((await lost).failed, true);
  bridge.receive({ seq: sent[1].seq, parts: [] });
  assert.deepEqual((await next).answer.parts, []);
});

test("a new photo drops what was asked about the old one", async () => {
  const { sent, bridge } = server();
  const running = bridge.ask("words", "segment", {});
  const waiting = bridge.ask("marks", "segment", {});
  bridge.drop();
  const photo = bridge.ask("photo", "open", {});
  assert.equal((await running).dropped, true);
  assert.equal((await waiting).dropped, true);
  assert.equal(sent.length, 1, "the server still works on the first");
  bridge.receive({ seq: sent[0].seq, parts: "of the old photo" });
  assert.equal(sent[1].event, "open");
  bridge.receive({ seq: sent[1].seq, photo: "new" });
  assert.equal((await photo).answer.photo, "new");
});
