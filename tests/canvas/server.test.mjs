import assert from "node:assert/strict";
import test from "node:test";

import { createServer } from "../../partclipseg/studio/canvas/server.mjs";

const PHOTO = { id: "abc", source: { example: "truck" } };
const tell = (key) => key;

/** Gradio as a component's script sees it; `answers` are given in turn, one a question. */
function gradio(...answers) {
  const asked = [];
  const props = { value: null };
  const listeners = {};
  globalThis.window = { addEventListener: (name, listener) => { listeners[name] = listener; } };
  let changed = () => {};
  const stopped = [];
  const server = createServer({
    props,
    server: { stop_answer: async ({ token }) => { stopped.push(token); } },
    watch: (_, callback) => { changed = callback; },
    upload: async (file) => ({ path: `/uploads/${file.name}` }),
    trigger(event, payload) {
      asked.push({ event, ...payload });
      const answer = answers[asked.length - 1];
      queueMicrotask(() => {
        if (answer === "failure") return listeners["partclipseg:failed"]({ detail: event });
        props.value = { seq: payload.seq, ...answer };
        return changed();
      });
    },
  }, { maxUploadMb: 1 }, tell);
  return { server, asked, stopped };
}

test("a question goes out and its answer comes back", async () => {
  const { server, asked } = gradio({ parts: [] });
  assert.deepEqual((await server.segment("words", PHOTO, { kind: "text" })).parts, []);
  assert.deepEqual([asked[0].event, asked[0].photo], ["segment_photo", "abc"]);
  assert.equal(server.busy, false);
});

test("a photo that the server has lost is sent again, and the question too", async () => {
  const { server, asked } = gradio(
    { error: { code: "photo_gone", message: "gone" } }, { photo: { id: "abc" } }, { parts: [1] },
  );
  assert.deepEqual((await server.segment("words", PHOTO, { kind: "text" })).parts, [1]);
  assert.deepEqual(asked.map(({ event }) => event), ["segment_photo", "open_photo", "segment_photo"]);
});

test("a photo that cannot be had again is told, once", async () => {
  const { server, asked } = gradio({ error: { code: "photo_gone", message: "gone" } }, { error: { message: "no" } });
  assert.equal((await server.segment("words", PHOTO, {})).error.message, "photo_gone");
  assert.equal(asked.length, 2);
});

test("a server that gives up is a sentence", async () => {
  const { server } = gradio("failure");
  assert.equal((await server.segment("words", PHOTO, {})).error.message, "no_answer");
});

test("what is looked at gives way to a question about the photo", async () => {
  const { server, asked, stopped } = gradio({ stopped: true }, { parts: [] });
  const looking = server.inspect("show_heat_maps", PHOTO, { text: "wheel" }, () => {});
  const question = server.segment("marks", PHOTO, { kind: "prompts" });
  assert.deepEqual(stopped, [asked[0].token]);
  assert.deepEqual([asked[0].event, asked[0].photo, asked[0].text], ["show_heat_maps", "abc", "wheel"]);
  assert.equal((await looking).stopped, true);
  assert.deepEqual((await question).parts, []);
  server.stop();
  assert.equal(stopped.length, 1, "what has been answered is not stopped");
});

test("a photo that the server has lost is sent again for the drawer too", async () => {
  const { server, asked } = gradio(
    { error: { code: "photo_gone", message: "gone" } }, { photo: { id: "abc" } }, { maps: [] },
  );
  assert.deepEqual((await server.inspect("show_heat_maps", PHOTO, {}, () => {})).maps, []);
  assert.deepEqual(asked.map(({ event }) => event), ["show_heat_maps", "open_photo", "show_heat_maps"]);
});

test("a file is uploaded and named as at home; one that is too large stays here", async () => {
  const { server, asked } = gradio({ photo: { id: "abc" } });
  await server.openPhoto({ file: { name: "my car.jpg", size: 10 } }, () => {});
  assert.deepEqual(asked[0].source, { path: "/uploads/my car.jpg", name: "my car.jpg" });
  const refused = await server.openPhoto({ file: { name: "big.jpg", size: 2 ** 21 } }, () => {});
  assert.equal(refused.error.message, "too_large");
  assert.equal(asked.length, 1);
});
