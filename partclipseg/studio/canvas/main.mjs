// The studio: joins the canvas, the words, the list and the server.

import { bindChoice, bindKeys, bindSlider, bindTheme, bindToggle, fillKeys } from "./controls.mjs";
import { el, references, say, translate, translator } from "./dom.mjs";
import { createLayerList } from "./layers.mjs";
import { createPhotoDoor } from "./photos.mjs";
import {
  addBox, addPoint, clearMarks, createHistory, EMPTY, hasMarks, removeMark, withMask, withWords,
} from "./prompts.mjs";
import { arrange, kept, keyOf, readLayers } from "./results.mjs";
import { createServer } from "./server.mjs";
import { createStage } from "./stage.mjs";
import { createTools } from "./tools.mjs";

const ANSWERS_KEPT = 60;

export function mount(gradio) {
  const { element } = gradio;
  const setup = gradio.props.setup;
  const t = translator(setup.strings);
  const refs = references(element);
  translate(element, t);
  refs.model.textContent = setup.model;
  if (window.matchMedia("(hover: none)").matches) refs.hint.textContent = t("hint_touch");

  const server = createServer(gradio, setup, t);
  const history = createHistory();
  const view = { threshold: 0, grain: "", overrides: new Map(), solo: null, front: "words" };
  const runs = { words: null, marks: null };
  const answers = new Map();
  const lanes = {
    words: { ask: () => history.state.words, complaint: refs.wordsError },
    marks: { ask: marksAsk, complaint: refs.marksError },
  };
  let photo = null;
  let opened = 0;
  let asking = 0;
  let sign = 1;
  let layers = [];
  let times = {};

  const stage = createStage(refs.canvas, {
    click: (x, y, negative) => mark(addPoint(history.state, x, y, negative ? 1 - sign : sign)),
    box: (area) => mark(addBox(history.state, area)),
    stroke: (mask) => mark(withMask(history.state, mask)),
    remove: (found) => mark(removeMark(history.state, found)),
    hover: showTip,
  });
  const list = createLayerList(refs.layers, t, { hover: (id) => stage.light(id), toggle, solo });
  const door = createPhotoDoor(element, refs, t, setup.examples, {
    file: (file) => openPhoto({ file }),
    example: (id) => openPhoto({ example: id }),
    error: (sentence) => say(refs.photoError, sentence),
  });

  // ---- photos -----------------------------------------------------------------------------

  function veil(sentence) {
    refs.veilText.textContent = sentence;
    refs.veil.hidden = !sentence;
  }

  /** source: {file} or {example}. The old photo and its prompts stay until the new one is there. */
  async function openPhoto(source) {
    opened += 1;
    const turn = opened;
    say(refs.photoError, "");
    refs.hint.hidden = true;
    refs.empty.hidden = true;
    veil(t(source.file ? "uploading" : "opening"));
    const answer = await server.openPhoto(source, (step) => veil(t(step)));
    const image = answer.photo ? await loadImage(answer.photo.file.url) : null;
    if (turn !== opened) return;
    veil("");
    if (image) {
      replacePhoto(answer, image, source);
    } else {
      refs.empty.hidden = photo !== null;
      if (photo) refreshAll(); // what was asked about it was dropped
      say(refs.photoError, answer.error?.message ?? t("photo_not_shown"));
    }
  }

  function replacePhoto(answer, image, source) {
    const fromExample = photo?.prompt === refs.text.value.trim();
    photo = { ...answer.photo, image, source };
    const first = photo.prompt ? withWords(EMPTY, { kind: "text", text: photo.prompt }) : EMPTY;
    history.clear(first);
    answers.clear();
    view.overrides.clear();
    view.solo = null;
    runs.words = runs.marks = null;
    times = { encode: answer.timings.encode };
    refs.stage.style.setProperty("--pcs-aspect", String(photo.width / photo.height));
    stage.setPhoto(photo);
    refs.hint.hidden = false;
    door.mark(source.example ?? null);
    for (const place of [refs.wordsError, refs.marksError, refs.saveError]) say(place, "");
    say(refs.stageNote, photo.notes.join(" "));
    if (photo.prompt || fromExample) refs.text.value = photo.prompt;
    view.front = "words";
    refreshAll();
  }

  // ---- questions --------------------------------------------------------------------------

  function marksAsk() {
    if (!hasMarks(history.state)) return null;
    const { points, boxes, mask } = history.state;
    return {
      kind: "prompts", text: refs.text.value.trim(),
      points: points.map(({ x, y, label }) => [x, y, label]), boxes, mask,
    };
  }

  function mark(state) {
    if (!refs.veil.hidden) return;
    refs.hint.hidden = refs.stageNote.hidden = refs.photoError.hidden = true;
    history.push(state);
    view.front = "marks";
    view.solo = null;
    refresh("marks");
  }

  function submitWords(kind) {
    if (!photo) return;
    const text = kind === "text" ? refs.text.value.trim() : "";
    if (kind === "text" && !text) {
      say(refs.wordsError, t("words_empty"));
      refs.text.focus();
      return;
    }
    history.push(withWords(history.state, { kind, text }));
    view.front = "words";
    view.solo = null;
    refreshAll();
  }

  /** Words first: what is wrong with them is said once, not for the clicks as well. */
  async function refreshAll() {
    if (await refresh("words")) refresh("marks");
  }

  /** Brings one lane up to date, from what is known or by asking; false if it cannot be. */
  async function refresh(lane) {
    const { ask: current, complaint } = lanes[lane];
    const ask = current();
    say(complaint, "");
    const key = ask && keyOf(ask);
    if (!ask || answers.has(key)) {
      runs[lane] = ask ? answers.get(key) : null;
      show();
      return true;
    }
    const owner = photo;
    asking += 1;
    show();
    const answer = await server.segment(lane, owner, ask);
    asking -= 1;
    const now = current();
    const wanted = photo === owner && now && keyOf(now) === key && !answer.dropped;
    if (wanted && answer.error) say(complaint, answer.error.message);
    else if (wanted) accept(lane, ask, answer);
    show();
    return !answer.error;
  }

  function accept(lane, ask, answer) {
    const run = { ask, layers: readLayers(answer.parts, ask, lane), messages: answer.messages };
    answers.set(keyOf(ask), run);
    if (answers.size > ANSWERS_KEPT) answers.delete(answers.keys().next().value);
    runs[lane] = run;
    times.decode = answer.timings.decode;
  }

  async function save(what, button) {
    say(refs.saveError, "");
    button.disabled = true;
    const answer = await server.save(photo, what, refs.opacity.value / 100, kept(runs, layers));
    button.disabled = false;
    if (answer.error) say(refs.saveError, answer.error.message);
    if (!answer.file) return;
    const link = el("a", { href: answer.file.url, download: answer.file.orig_name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  function step(direction) {
    const before = history.state;
    const after = direction < 0 ? history.undo() : history.redo();
    if (after === before) return;
    view.front = after.words === before.words ? "marks" : "words";
    view.solo = null;
    if (after.words?.kind === "text") refs.text.value = after.words.text;
    refreshAll();
  }

  function reset() {
    view.solo = null;
    view.overrides.clear();
    history.push(withWords(clearMarks(history.state), null));
    refreshAll();
  }

  // ---- what is shown ----------------------------------------------------------------------

  function show() {
    const arranged = arrange(runs, view);
    layers = arranged.layers;
    const notes = [runs.words, runs.marks].flatMap((run) => run?.messages ?? []);
    const some = layers.some((layer) => layer.visible);
    stage.set({ prompts: history.state });
    stage.setLayers(layers.filter((layer) => layer.visible));
    list.render({
      ...arranged, solo: view.solo, busy: asking > 0,
      empty: notes.length > 0 || runs.words || runs.marks ? t("parts_none") : t("parts_empty"),
    });
    refs.notes.hidden = notes.length === 0;
    refs.notes.replaceChildren(...notes.map((note) => el("li", {}, note)));
    refs.pulse.hidden = asking === 0;
    refs.undo.disabled = !history.canUndo;
    refs.redo.disabled = !history.canRedo;
    refs.reset.disabled = !hasMarks(history.state) && !history.state.words;
    refs.saveOverlay.disabled = refs.saveCoco.disabled = !some;
    refs.status.textContent = photo ? statusLine() : "";
    element.dataset.busy = String(asking > 0);
  }

  function statusLine() {
    const shown = layers.filter((layer) => layer.visible).length;
    return [
      photo.name, `${photo.width} × ${photo.height}`, t("encoded", { ms: Math.round(times.encode) }),
      times.decode === undefined ? null : t("decoded", { ms: Math.round(times.decode) }),
      t(shown === 1 ? "one_part" : "some_parts", { count: shown }),
    ].filter(Boolean).join("  ·  ");
  }

  function toggle(id) {
    view.overrides.set(id, !layers.find((layer) => layer.id === id)?.visible);
    view.solo = null;
    show();
  }

  function solo(id) {
    view.solo = view.solo === id ? null : id;
    show();
  }

  function showTip(layer, at) {
    refs.tip.hidden = !layer;
    stage.light(layer?.id ?? null);
    list.light(layer?.id ?? null);
    if (!layer) return;
    refs.tipName.textContent = layer.label;
    refs.tipScore.textContent = layer.score;
    const room = refs.stage.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.x + 16, room.width - refs.tip.offsetWidth - 8));
    refs.tip.style.transform = `translate(${left}px, ${Math.min(at.y + 18, room.height - 40)}px)`;
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
  const usePreset = (text) => {
    refs.text.value = text;
    submitWords("text");
  };
  refs.presets.append(...setup.presets.map(({ title, text }) =>
    el("button", { type: "button", class: "pcs-preset", title: text, onclick: () => usePreset(text) }, title)));

  const clicks = {
    everything: () => submitWords("everything"), undo: () => step(-1), redo: () => step(1), reset,
    saveOverlay: () => save("overlay", refs.saveOverlay), saveCoco: () => save("coco", refs.saveCoco),
    fit: () => stage.fit(), closer: () => stage.zoom(1.5), farther: () => stage.zoom(1 / 1.5),
    help: () => refs.helpDialog.showModal(),
  };
  for (const [name, action] of Object.entries(clicks)) refs[name].addEventListener("click", action);

  const setSign = bindChoice(refs.sign, (value) => { sign = Number(value); });
  const setGrain = bindChoice(refs.grain, (value) => {
    view.grain = value;
    show();
  });
  const setHidden = bindToggle(refs.hide, (hidden) => stage.set({ hidden }));
  bindToggle(refs.names, (names) => stage.set({ names }));
  bindSlider(refs.opacity, refs.opacityValue, (value) => stage.set({ opacity: value / 100 }));
  bindSlider(refs.threshold, refs.thresholdValue, (value) => {
    view.threshold = value / 100;
    show();
  });
  const tools = createTools(refs, stage);
  bindTheme(refs.theme);
  fillKeys(refs.keys, t);
  bindKeys(element, {
    undo: clicks.undo, redo: clicks.redo, everything: clicks.everything, help: clicks.help,
    flip: () => setSign(1 - sign), grain: setGrain, hide: setHidden,
    tool: tools.choose, size: tools.resize,
    escape() {
      tools.choose("click");
      view.solo = null;
      refs.photoError.hidden = refs.marksError.hidden = true;
      show();
    },
  });

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
