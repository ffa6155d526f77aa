// The studio: joins the canvas, the words, the list and the server.

import { createCompare } from "./compare.mjs";
import { bindChoice, bindKeys, bindSlider, bindStored, bindTheme, bindToggle, fillKeys } from "./controls.mjs";
import { el, references, say, translate, translator } from "./dom.mjs";
import { createDrawer } from "./drawer.mjs";
import { merge, remove, rename } from "./edits.mjs";
import { createLanguage } from "./language.mjs";
import { createLayerList } from "./layers.mjs";
import { createNotices } from "./notices.mjs";
import { decodeLink, fitLink } from "./permalink.mjs";
import { createPhotoDoor, loadImage } from "./photos.mjs";
import {
  addBox, addPoint, clearMarks, createHistory, EMPTY, hasMarks, removeMark, sameMarks, withEdits,
  withMask, withWords,
} from "./prompts.mjs";
import { arrange, kept, keyOf, nextSort, readLayers } from "./results.mjs";
import { encodeCounts } from "./rle.mjs";
import { createSaving } from "./saving.mjs";
import { createSelection } from "./selection.mjs";
import { createServer } from "./server.mjs";
import { createStage } from "./stage.mjs";
import { createTools } from "./tools.mjs";
import { createWords } from "./words.mjs";

const ANSWERS_KEPT = 60;

export function mount(gradio) {
  const { element } = gradio;
  const setup = gradio.props.setup;
  const refs = references(element);
  const language = createLanguage(setup, refs.language, speak);
  const t = translator(language.table);
  refs.model.textContent = setup.model;

  const server = createServer(gradio, setup, t);
  const notices = createNotices(refs, t);
  const history = createHistory();
  const view = { threshold: 0, grain: "", overrides: new Map(), solo: null, sort: null, front: "words" };
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

  const words = createWords(refs, t, setup.presets, {
    read: server.readWords,
    sentence: language.sentence,
    preset(text) {
      words.set(text);
      submitWords("text");
    },
  });
  const stage = createStage(refs.canvas, {
    click: (x, y, negative) => mark(addPoint(history.state, x, y, negative ? 1 - sign : sign)),
    box: (area) => mark(addBox(history.state, area)),
    stroke: (mask) => mark(withMask(history.state, mask)),
    remove: (found) => mark(removeMark(history.state, found)),
    hover: showTip,
    pick(layer) {
      if (!layer) return;
      selection.toggle(layer.id);
      list.reveal(layer.id);
    },
  });
  const list = createLayerList(refs.layers, t, {
    hover: (id) => stage.light(id), toggle, select: (id) => selection.toggle(id),
    rename: (id, label) => edit(rename(history.state.edits, id, label)),
    remove: (id) => edit(remove(history.state.edits, selection.ids.has(id) ? [...selection.ids] : [id])),
    sort(column) {
      view.sort = nextSort(view.sort, column);
      show();
    },
  });
  const selection = createSelection(refs, t, {
    changed: () => show(), solo, refine, rename: (id) => list.edit(id),
    merge: (chosen) => edit(merge(history.state.edits, chosen)),
    remove: (ids) => edit(remove(history.state.edits, ids)),
  });
  const door = createPhotoDoor(element, refs, t, setup.examples, {
    file: (file) => openPhoto({ file }),
    example: (id) => openPhoto({ example: id }),
    error: (sentence) => say(refs.photoError, sentence),
  });

  const drawer = createDrawer(refs, { t, sentence: language.sentence }, {
    ask: (event, payload, onStage) => server.inspect(event, photo, payload, onStage),
    look: () => ({
      photo, layers, runs, view, state: history.state, text: refs.text.value.trim(), selected: selection.ids,
      busy: asking > 0 || !refs.veil.hidden,
    }),
    select: (id) => selection.toggle(id),
    rename(id, label) {
      history.push(withEdits(history.state, rename(history.state.edits, id, label)));
      show(); // it stays the chosen one
    },
  });

  const told = (answer) => answer.error && language.sentence(answer.error.message);

  /** Says everything on the page in the current language. */
  function speak() {
    translate(element, t);
    if (window.matchMedia("(hover: none)").matches) refs.hint.textContent = t("hint_touch");
    fillKeys(refs.keys, t);
    words.name();
    door.name();
    drawer.name();
    show();
  }

  // ---- photos -----------------------------------------------------------------------------

  /**
   * source: {file} or {example}. The old photo and its prompts stay until the new one is there.
   * link: what an address says that is to be asked of the new one.
   */
  async function openPhoto(source, link = null) {
    opened += 1;
    server.stop();
    const turn = opened;
    say(refs.photoError, "");
    refs.hint.hidden = true;
    refs.empty.hidden = true;
    notices.veil(t(source.file ? "uploading" : "opening"));
    drawer.render();
    const answer = await server.openPhoto(source, (step) => notices.veil(t(step)));
    const image = answer.photo ? await loadImage(answer.photo.file.url) : null;
    if (turn !== opened) return;
    notices.veil("");
    if (image) {
      replacePhoto(answer, image, source, link && fitLink(link, answer.photo));
    } else {
      refs.empty.hidden = photo !== null;
      if (photo) refreshAll(); // what was asked about it was dropped
      say(refs.photoError, told(answer) ?? t("photo_not_shown"));
    }
  }

  /** The photo that the address names, else the first example. */
  async function arrive(examples) {
    refs.empty.hidden = examples.length > 0;
    if (examples.length === 0) return;
    const link = decodeLink(window.location.search, examples);
    await openPhoto({ example: link?.example ?? examples[0] }, link?.example ? link : null);
    if (link && !link.example) say(refs.photoError, t("link_unknown"));
  }

  function replacePhoto(answer, image, source, link) {
    const fromExample = photo?.prompt === refs.text.value.trim();
    photo = { ...answer.photo, image, source };
    const first = photo.prompt ? withWords(EMPTY, { kind: "text", text: photo.prompt }) : EMPTY;
    const linked = link && !link.bare;
    history.clear(linked ? { ...EMPTY, words: link.words, points: link.points, boxes: link.boxes } : first);
    answers.clear();
    view.overrides.clear();
    view.solo = null;
    selection.clear();
    runs.words = runs.marks = null;
    times = { encode: answer.timings.encode };
    refs.stage.style.setProperty("--pcs-aspect", String(photo.width / photo.height));
    stage.setPhoto(photo);
    refs.hint.hidden = false;
    door.mark(source.example ?? null);
    for (const place of [refs.wordsError, refs.marksError, refs.saveError]) say(place, "");
    say(refs.stageNote, photo.notes.map(language.sentence).join(" "));
    if (linked) words.set(link.text);
    else if (photo.prompt || fromExample) words.set(photo.prompt);
    if (link) followLink(link);
    view.front = "words";
    refreshAll();
  }

  function followLink({ grain, threshold, ignored }) {
    setGrain(grain);
    refs.threshold.value = Math.round(100 * threshold);
    refs.threshold.dispatchEvent(new Event("input"));
    if (ignored) say(refs.stageNote, t("link_partly"));
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
    words.close();
    const text = kind === "text" ? refs.text.value.trim() : "";
    if (kind === "text" && !text) {
      say(refs.wordsError, t("words_empty"));
      refs.text.focus();
      return;
    }
    server.stop();
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
    const answer = await server.segment(lane, owner, ask, notices.progress);
    asking -= 1;
    notices.progress(null);
    const now = current();
    const wanted = photo === owner && now && keyOf(now) === key && !answer.dropped;
    if (wanted && answer.stopped) {
      history.push(withWords(history.state, runs.words?.ask ?? null));
      return refresh(lane);
    }
    if (wanted && answer.error) say(complaint, told(answer));
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

  function step(direction) {
    const before = history.state;
    const after = direction < 0 ? history.undo() : history.redo();
    if (after === before) return;
    if (after.words !== before.words) view.front = "words";
    else if (!sameMarks(after, before)) view.front = "marks";
    view.solo = null;
    if (after.words?.kind === "text") words.set(after.words.text);
    refreshAll();
  }

  function reset() {
    view.solo = null;
    view.overrides.clear();
    history.push(EMPTY);
    refreshAll();
  }

  /** Names, merges and deletions: nothing is asked, all of it can be undone. */
  function edit(edits) {
    history.push(withEdits(history.state, edits));
    selection.clear();
    view.solo = null;
    show();
  }

  /** A layer becomes the painted mask, to be corrected with the brush. */
  function refine(layer) {
    const mask = { size: layer.grid, counts: encodeCounts(layer.counts) };
    const kin = layer.lane === "marks" ? history.state : clearMarks(history.state);
    selection.clear();
    tools.choose("brush");
    mark(withMask(kin, mask));
  }

  // ---- what is shown ----------------------------------------------------------------------

  function show() {
    const arranged = arrange(runs, view, history.state.edits);
    layers = arranged.layers;
    const notes = [runs.words, runs.marks].flatMap((run) => run?.messages ?? []);
    const some = layers.some((layer) => layer.visible);
    stage.set({ prompts: history.state });
    stage.setLayers(layers.filter((layer) => layer.visible));
    selection.render(layers, view.solo);
    stage.choose(selection.ids);
    list.render({
      ...arranged, selected: selection.ids, sort: view.sort, busy: asking > 0,
      empty: notes.length > 0 || runs.words || runs.marks ? t("parts_none") : t("parts_empty"),
    });
    refs.notes.hidden = notes.length === 0;
    refs.notes.replaceChildren(...notes.map((note) => el("li", {}, language.sentence(note))));
    refs.pulse.hidden = asking === 0;
    refs.undo.disabled = !history.canUndo;
    refs.redo.disabled = !history.canRedo;
    refs.reset.disabled = !hasMarks(history.state) && !history.state.words;
    refs.saveOverlay.disabled = refs.saveCoco.disabled = refs.saveMore.disabled = !some;
    notices.status(photo, layers, times);
    element.dataset.busy = String(asking > 0);
    drawer.render();
  }

  function toggle(id) {
    view.overrides.set(id, !layers.find((layer) => layer.id === id)?.visible);
    view.solo = null;
    show();
  }

  function solo(ids) {
    view.solo = view.solo || ids.length === 0 ? null : ids;
    show();
  }

  function showTip(layer, at) {
    notices.tip(layer, at);
    stage.light(layer?.id ?? null);
    list.light(layer?.id ?? null);
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

  const clicks = {
    everything: () => submitWords("everything"), stop: server.stop, undo: () => step(-1), redo: () => step(1), reset,
    fit: () => stage.fit(), closer: () => stage.zoom(1.5), farther: () => stage.zoom(1 / 1.5),
    help: () => refs.helpDialog.showModal(),
  };
  for (const [name, action] of Object.entries(clicks)) refs[name].addEventListener("click", action);
  createSaving(refs, { told, save: (what, opacity) => server.save(photo, what, opacity, kept(runs, layers)) });

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
  const compare = createCompare(refs, { changed: (share) => stage.set({ compare: share }) });
  bindStored(refs.projector, "projector", (large) => {
    element.classList.toggle("pcs-large", large);
    stage.set({ large });
  });
  bindTheme(refs.theme);
  bindKeys(element, {
    undo: clicks.undo, redo: clicks.redo, everything: clicks.everything, help: clicks.help,
    flip: () => setSign(1 - sign), grain: setGrain, hide: setHidden,
    tool: tools.choose, size: tools.resize, compare: compare.toggle, projector: () => refs.projector.click(),
    escape() {
      tools.choose("click");
      compare.off();
      selection.clear();
      view.solo = null;
      refs.photoError.hidden = refs.marksError.hidden = true;
      show();
    },
  });

  speak();
  arrive(setup.examples.map(({ id }) => id));
  element.partclipseg = { stage, history }; // for tests and the console
}
