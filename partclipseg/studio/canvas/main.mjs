// The studio: joins the canvas, the words, the list and the server.

import { createBridge } from "./bridge.mjs";
import { el, references, say, translate, translator } from "./dom.mjs";
import { createLayerList } from "./layers.mjs";
import { createPhotoDoor } from "./photos.mjs";
import { addBox, addPoint, clearMarks, createHistory, hasMarks, removeMark, withWords } from "./prompts.mjs";
import { arrange, kept, keyOf, readLayers } from "./results.mjs";
import { createStage } from "./stage.mjs";
import { bindChoice, bindKeys, bindTheme, fillKeys } from "./controls.mjs";

const ANSWERS_KEPT = 60;

export function mount({ element, trigger, props, upload, watch }) {
  const setup = props.setup;
  const t = translator(setup.strings);
  const refs = references(element);
  translate(element, t);
  refs.model.textContent = setup.model;

  const history = createHistory();
  const view = { threshold: 0.5, grain: "", overrides: new Map(), solo: null, front: "words" };
  const runs = { words: null, marks: null };
  const answers = new Map();
  let photo = null;
  let opened = 0;
  let sign = 1;
  let layers = [];
  let times = {};

  const bridge = createBridge(trigger);
  watch("value", () => bridge.receive(props.value));
  window.addEventListener("partclipseg:failed", (event) => bridge.fail(event.detail));

  const stage = createStage(refs.canvas, {
    click: (x, y, negative) => mark(addPoint(history.state, x, y, negative ? 1 - sign : sign)),
    box: (area) => mark(addBox(history.state, area)),
    remove: (found) => mark(removeMark(history.state, found)),
    hover: showTip,
  });
  const list = createLayerList(refs.layers, t, {
    hover: (id) => stage.light(id),
    toggle(id) {
      view.overrides.set(id, !layers.find((layer) => layer.id === id)?.visible);
      view.solo = null;
      show();
    },
    solo(id) {
      view.solo = view.solo === id ? null : id;
      show();
    },
  });
  const door = createPhotoDoor(element, refs, t, setup.examples, {
    file: (file) => openPhoto({ file }),
    example: (id) => openPhoto({ example: id }),
    error: (sentence) => say(refs.stageError, sentence),
  });

  // ---- photos -----------------------------------------------------------------------------

  function veil(sentence) {
    refs.veilText.textContent = sentence;
    refs.veil.hidden = !sentence;
  }

  /** source: {file} or {example}. The old photo stays until the new one is there. */
  async function openPhoto(source) {
    const turn = ++opened;
    say(refs.stageError, "");
    refs.hint.hidden = true;
    veil(t(source.file ? "uploading" : "opening"));
    const answer = await askForPhoto(source);
    if (turn !== opened) return;
    const image = answer.photo ? await loadImage(answer.photo.file.url) : null;
    if (turn !== opened) return;
    veil("");
    if (!image) {
      refs.empty.hidden = photo !== null;
      say(refs.stageError, answer.error?.message ?? t("photo_not_shown"));
      return;
    }
    replacePhoto(answer, image, source);
  }

  async function askForPhoto(source) {
    let told = { example: source.example };
    if (source.file) {
      if (source.file.size > setup.maxUploadMb * 1024 * 1024) {
        return { error: { message: t("too_large", { limit: setup.maxUploadMb }) } };
      }
      try {
        const stored = await upload(source.file);
        told = { path: stored.path, name: source.file.name };
      } catch {
        return { error: { message: t("upload_failed") } };
      }
    }
    bridge.drop();
    const outcome = await bridge.ask("photo", "open_photo", { source: told }, (stageName) => veil(t(stageName)));
    return outcome.answer ?? { error: { message: outcome.failed ? t("no_answer") : "" } };
  }

  function replacePhoto(answer, image, source) {
    const typed = refs.text.value.trim();
    const fromExample = photo?.prompt === typed;
    photo = { ...answer.photo, image, source, prompt: answer.photo.prompt ?? "" };
    history.clear();
    answers.clear();
    view.overrides.clear();
    view.solo = null;
    runs.words = runs.marks = null;
    times = { encode: answer.timings?.encode };
    stage.setPhoto(photo);
    refs.empty.hidden = true;
    refs.hint.hidden = false;
    refs.credit.textContent = "";
    door.mark(source.example ?? null);
    say(refs.wordsError, "");
    say(refs.saveError, "");
    if (photo.prompt || fromExample) refs.text.value = photo.prompt;
    for (const note of photo.notes) say(refs.stageError, note);
    show();
    if (photo.prompt) submitWords("text");
  }

  // ---- questions --------------------------------------------------------------------------

  function mark(state) {
    if (!refs.veil.hidden) return;
    refs.hint.hidden = true;
    history.push(state);
    view.front = "marks";
    view.solo = null;
    show();
    refreshMarks();
  }

  function submitWords(kind) {
    if (!photo) return;
    const text = kind === "text" ? refs.text.value.trim() : "";
    say(refs.wordsError, "");
    if (kind === "text" && !text) {
      say(refs.wordsError, t("words_empty"));
      refs.text.focus();
      return;
    }
    history.push(withWords(history.state, { kind, text }));
    view.front = "words";
    view.solo = null;
    refreshWords();
    if (hasMarks(history.state)) refreshMarks();
  }

  const wordsAsk = () => history.state.words;
  const marksAsk = () => (hasMarks(history.state) ? {
    kind: "prompts", text: refs.text.value.trim(),
    points: history.state.points.map(({ x, y, label }) => [x, y, label]), boxes: history.state.boxes,
  } : null);

  const refreshWords = () => refresh("words", wordsAsk, (sentence) => say(refs.wordsError, sentence));
  const refreshMarks = () => refresh("marks", marksAsk, (sentence) => say(refs.stageError, sentence));

  /** Brings one lane up to date: from what is known, or by asking the server. */
  async function refresh(lane, current, complain) {
    const ask = current();
    complain("");
    if (!ask) {
      runs[lane] = null;
      return show();
    }
    const key = keyOf(ask);
    const known = answers.get(key);
    if (known) {
      runs[lane] = known;
      return show();
    }
    refs.pulse.hidden = false;
    show();
    const owner = photo;
    const answer = await question(lane, ask);
    refs.pulse.hidden = bridge.busy;
    if (!answer || photo !== owner) return undefined;
    const now = current();
    if (!now || keyOf(now) !== key) return undefined;
    if (answer.error) {
      complain(answer.error.message);
      return show();
    }
    const run = { ask, layers: readLayers(answer.parts, ask, lane), messages: answer.messages };
    answers.set(key, run);
    if (answers.size > ANSWERS_KEPT) answers.delete(answers.keys().next().value);
    runs[lane] = run;
    times.decode = answer.timings?.decode;
    return show();
  }

  async function question(lane, ask) {
    const outcome = await bridge.ask(lane, "segment_photo", { photo: photo.id, ask });
    if (outcome.dropped) return null;
    if (outcome.failed) return { error: { message: t("no_answer") } };
    if (outcome.answer.error?.code !== "photo_gone") return outcome.answer;
    // The server has restarted or made room: give it the photo again, then ask again.
    const again = await askForPhoto(photo.source);
    if (again.photo?.id !== photo.id) return { error: { message: t("photo_gone") } };
    const second = await bridge.ask(lane, "segment_photo", { photo: photo.id, ask });
    return second.answer ?? null;
  }

  async function save(what, button) {
    say(refs.saveError, "");
    button.disabled = true;
    const outcome = await bridge.ask("save", "save_result", {
      photo: photo.id, what, opacity: Number(refs.opacity.value) / 100, runs: kept(runs, layers),
    });
    button.disabled = false;
    const file = outcome.answer?.file;
    if (!file) return say(refs.saveError, outcome.answer?.error?.message ?? t("no_answer"));
    const link = el("a", { href: file.url, download: file.orig_name });
    document.body.append(link);
    link.click();
    link.remove();
    return undefined;
  }

  // ---- what is shown ----------------------------------------------------------------------

  function show() {
    const arranged = arrange(runs, view);
    layers = arranged.layers;
    stage.set({ prompts: history.state });
    stage.setLayers(layers.filter((layer) => layer.visible));
    const notes = [runs.words, runs.marks].filter(Boolean).flatMap((run) => run.messages ?? []);
    refs.notes.hidden = notes.length === 0;
    refs.notes.replaceChildren(...notes.map((note) => el("li", {}, note)));
    list.render({
      ...arranged, solo: view.solo, busy: bridge.busy && photo !== null,
      empty: notes.length > 0 ? t("parts_none") : t("parts_empty"),
    });
    refs.undo.disabled = !history.canUndo;
    refs.redo.disabled = !history.canRedo;
    refs.reset.disabled = !hasMarks(history.state) && !history.state.words;
    const some = layers.some((layer) => layer.visible);
    refs.saveOverlay.disabled = refs.saveCoco.disabled = !some;
    refs.status.textContent = statusLine();
    element.dataset.points = String(history.state.points.length);
    element.dataset.boxes = String(history.state.boxes.length);
    element.dataset.busy = String(bridge.busy);
  }

  function statusLine() {
    if (!photo) return "";
    const shown = layers.filter((layer) => layer.visible).length;
    return [
      photo.name, `${photo.width} × ${photo.height}`,
      times.encode === undefined ? null : t("encoded", { ms: Math.round(times.encode) }),
      times.decode === undefined ? null : t("decoded", { ms: Math.round(times.decode) }),
      setup.model, t(shown === 1 ? "one_part" : "some_parts", { count: shown }),
    ].filter(Boolean).join("  ·  ");
  }

  function showTip(layer, at) {
    refs.tip.hidden = !layer;
    stage.light(layer?.id ?? null);
    list.light(layer?.id ?? null);
    if (!layer) return;
    refs.tipName.textContent = layer.label;
    refs.tipScore.textContent = layer.score;
    const room = refs.stage.getBoundingClientRect();
    const left = Math.min(at.x + 16, room.width - refs.tip.offsetWidth - 8);
    refs.tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.min(at.y + 18, room.height - 40)}px)`;
  }

  function step(direction) {
    const before = history.state;
    const after = direction < 0 ? history.undo() : history.redo();
    if (after === before) return;
    view.front = after.words === before.words ? "marks" : "words";
    view.solo = null;
    if (after.words?.kind === "text") refs.text.value = after.words.text;
    refreshWords();
    refreshMarks();
  }

  function reset() {
    if (refs.reset.disabled) return;
    view.solo = null;
    view.overrides.clear();
    history.push(withWords(clearMarks(history.state), null));
    say(refs.wordsError, "");
    refreshWords();
    refreshMarks();
  }

  // ---- controls ---------------------------------------------------------------------------

  refs.words.addEventListener("submit", (event) => {
    event.preventDefault();
    submitWords("text");
  });
  refs.text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submitWords("text");
  });
  refs.everything.addEventListener("click", () => submitWords("everything"));
  for (const preset of setup.presets) {
    refs.presets.append(el("button", {
      type: "button", class: "pcs-preset", title: preset.text,
      onclick: () => { refs.text.value = preset.text; submitWords("text"); },
    }, preset.title));
  }
  refs.undo.addEventListener("click", () => step(-1));
  refs.redo.addEventListener("click", () => step(1));
  refs.reset.addEventListener("click", reset);
  refs.saveOverlay.addEventListener("click", () => save("overlay", refs.saveOverlay));
  refs.saveCoco.addEventListener("click", () => save("coco", refs.saveCoco));
  refs.fit.addEventListener("click", () => stage.fit());
  refs.closer.addEventListener("click", () => stage.zoom(1.5));
  refs.farther.addEventListener("click", () => stage.zoom(1 / 1.5));

  const setSign = bindChoice(refs.sign, (value) => { sign = Number(value); });
  const setGrain = bindChoice(refs.grain, (value) => {
    view.grain = value;
    show();
  });
  const hide = (hidden) => {
    refs.hide.setAttribute("aria-pressed", String(hidden));
    stage.set({ hidden });
  };
  refs.hide.addEventListener("click", () => hide(refs.hide.getAttribute("aria-pressed") !== "true"));
  refs.names.addEventListener("click", () => {
    const names = refs.names.getAttribute("aria-pressed") !== "true";
    refs.names.setAttribute("aria-pressed", String(names));
    stage.set({ names });
  });

  const readSliders = () => {
    refs.opacityValue.textContent = `${refs.opacity.value} %`;
    refs.thresholdValue.textContent = `${refs.threshold.value} %`;
    for (const slider of [refs.opacity, refs.threshold]) {
      const share = (slider.value - slider.min) / (slider.max - slider.min);
      slider.style.setProperty("--pcs-filled", `${share * 100}%`);
    }
    view.threshold = Number(refs.threshold.value) / 100;
    stage.set({ opacity: Number(refs.opacity.value) / 100 });
  };
  refs.opacity.addEventListener("input", readSliders);
  refs.threshold.addEventListener("input", () => {
    readSliders();
    show();
  });

  bindTheme(refs.theme);
  fillKeys(refs.keys, t);
  refs.help.addEventListener("click", () => refs.helpDialog.showModal());
  bindKeys(element, {
    undo: () => step(-1),
    redo: () => step(1),
    everything: () => submitWords("everything"),
    flip: () => setSign(sign ? "0" : "1"),
    grain: setGrain,
    hide,
    help: () => refs.helpDialog.showModal(),
    escape: () => {
      view.solo = null;
      say(refs.stageError, "");
      show();
    },
  });

  readSliders();
  show();
  if (setup.examples.length > 0) openPhoto({ example: setup.examples[0].id });
  else refs.empty.hidden = false;
  element.partclipseg = { stage, history }; // for tests and the console
}

function loadImage(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => image, () => null);
}
