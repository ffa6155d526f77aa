// What is said to the server and what comes back, as {answer} or {error: {message}}.

import { createBridge } from "./bridge.mjs";

/**
 * @param trigger, upload, watch, props, server: what Gradio gives a component's script
 * @param limits {maxUploadMb}
 */
export function createServer({ trigger, upload, watch, props, server: direct }, limits, t) {
  const bridge = createBridge(trigger);
  watch("value", () => bridge.receive(props.value));
  window.addEventListener("partclipseg:failed", (event) => bridge.fail(event.detail));

  let slow = null;
  let looking = null;

  const failure = (message) => ({ error: { message } });

  function outcomeOf({ answer, failed }) {
    if (answer) return answer;
    return failed ? failure(t("no_answer")) : { dropped: true };
  }

  /** Opens {file} or {example}; what was asked about another photo is forgotten. */
  async function openPhoto(source, onStage) {
    let told = { example: source.example };
    if (source.file) {
      if (source.file.size > limits.maxUploadMb * 1024 * 1024) {
        return failure(t("too_large", { limit: limits.maxUploadMb }));
      }
      try {
        const stored = await upload(source.file);
        told = { path: stored.path, name: source.file.name };
      } catch {
        return failure(t("upload_failed"));
      }
    }
    bridge.drop();
    return outcomeOf(await bridge.ask("photo", "open_photo", { source: told }, onStage));
  }

  /** Asks about a photo; one that the server has had to let go is sent again first. */
  async function askAbout(lane, event, photo, question, onStage) {
    const first = outcomeOf(await bridge.ask(lane, event, question, onStage));
    if (first.error?.code !== "photo_gone") return first;
    const again = await openPhoto(photo.source, () => {});
    if (again.dropped) return again;
    if (again.photo?.id !== photo.id) return failure(t("photo_gone"));
    return outcomeOf(await bridge.ask(lane, event, question));
  }

  async function segment(lane, photo, ask, onStage = () => {}) {
    const token = newToken();
    if (ask.kind === "everything") slow = token;
    end(looking); // what is looked at beside can wait
    const answer = await askAbout(lane, "segment_photo", photo, { photo: photo.id, ask, token }, onStage);
    if (slow === token) slow = null;
    return answer;
  }

  /** A question of the drawer; it gives way to every later one. */
  async function inspect(event, photo, payload, onStage) {
    end(looking);
    const token = newToken();
    looking = token;
    const answer = await askAbout("look", event, photo, { ...payload, photo: photo?.id, token }, onStage);
    if (looking === token) looking = null;
    return answer;
  }

  async function save(photo, what, opacity, shown) {
    end(looking);
    return outcomeOf(await bridge.ask("save", "save_result", { photo: photo.id, what, opacity, ...shown }));
  }

  const newToken = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

  function end(token) {
    if (token) direct.stop_answer({ token }).catch(() => null);
  }

  /** Ends the slow questions under way, wherever they are; their answers are {stopped: true}. */
  function stop() {
    end(slow);
    end(looking);
  }

  /** What is understood of words; asked beside the queue, and without an answer nothing is lost. */
  function readWords(text, caret) {
    return direct.read_words({ text, caret }).catch(() => null);
  }

  return {
    openPhoto,
    segment,
    inspect,
    save,
    stop,
    readWords,
    get busy() {
      return bridge.busy;
    },
  };
}
