// From the server's answers to the layers that are shown. Pure: threshold, granularity, visibility,
// order and solo are decided here and never ask the server.

import { applyEdits, NO_EDITS } from "./edits.mjs";
import { decodeCounts } from "./rle.mjs";

/** Two questions with the same key have the same answer. */
export const keyOf = (ask) => JSON.stringify(ask);

/** The layers of one answer. `lane` is "words" or "marks"; ids are stable for the same question. */
export function readLayers(parts, ask, lane) {
  return parts.map((part, index) => {
    const counts = decodeCounts(part.rle.counts);
    const area = counts.reduce((sum, length, at) => (at % 2 === 1 ? sum + length : sum), 0);
    return {
      id: `${lane}:${keyOf(ask)}:${index}`, lane, counts, area, grid: part.rle.size,
      label: part.label, object: part.object, part: part.part, colour: part.colour,
      similarity: part.similarity, probability: part.probability, iou: part.predicted_iou,
      grain: part.granularity, share: part.share, given: false, sources: [{ lane, index }],
      score: part.similarity === null ? "" : part.similarity.toFixed(2),
    };
  });
}

/** Several answers to one click are alternatives (whole, part, sub-part): one of them is shown. */
function chosenAlternative(layers, grain) {
  return layers.find((layer) => grain && layer.grain === grain) ?? layers[0];
}

function areAlternatives(run) {
  const grains = run.layers.map((layer) => layer.grain);
  return run.ask.kind === "prompts" && run.layers.length > 1 &&
    grains.every(Boolean) && new Set(grains).size === grains.length;
}

/**
 * @param runs {words, marks}: each {ask, layers} or null
 * @param view {threshold, grain, overrides: Map(id -> visible), solo: [ids] or null, sort, front:
 *   "words"|"marks"}
 * @param edits what the person has made of the layers
 * @returns {layers, below}: layers for the list, each with `visible`, `faint` and `name` (the short
 *   label where all are of one object); `below` counts those that the threshold leaves out
 */
export function arrange(runs, view, edits = NO_EDITS) {
  const found = [runs.marks, runs.words].filter(Boolean).flatMap((run) => {
    const chosen = areAlternatives(run) ? chosenAlternative(run.layers, view.grain) : null;
    return run.layers.map((layer) => ({ ...layer, visible: chosen === null || chosen === layer }));
  });
  const edited = applyEdits(found, edits);
  const sure = edited.filter((layer) => layer.lane !== "words" || (layer.probability ?? 1) >= view.threshold);
  const several = new Set(sure.map((layer) => layer.object)).size > 1;
  const both = runs.marks !== null && runs.words !== null;
  const layers = sure.map((layer) => ({
    ...layer,
    name: several ? layer.label : layer.part || layer.label,
    visible: view.solo ? view.solo.includes(layer.id) : view.overrides.get(layer.id) ?? layer.visible,
    faint: !view.solo && both && layer.lane !== view.front,
  }));
  return { layers: sorted(layers, view.sort), below: edited.length - sure.length };
}

const VALUES = {
  name: (layer) => layer.label.toLocaleLowerCase(),
  similarity: (layer) => layer.similarity, iou: (layer) => layer.iou, area: (layer) => layer.area,
};

/** sort: null (as found) or {by, down}; what has no number stands last either way. */
function sorted(layers, sort) {
  if (!sort) return layers;
  const value = VALUES[sort.by];
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  return [...layers].sort((first, second) => {
    const [a, b] = [value(first), value(second)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sort.down ? compare(b, a) : compare(a, b);
  });
}

/** The next order after a press on a column's head: names from A, numbers from the largest, none. */
export function nextSort(sort, by) {
  const first = by !== "name";
  if (sort?.by !== by) return { by, down: first };
  return sort.down === first ? { by, down: !first } : null;
}

/** What a download is made of: the questions, and each layer shown with the parts it is made of. */
export function kept(runs, layers) {
  const lanes = ["words", "marks"].filter((lane) => runs[lane]);
  const shown = layers.filter((layer) => layer.visible);
  return {
    runs: lanes.map((lane) => runs[lane].ask),
    layers: shown.map(({ label, colour, given, sources }) => ({
      label: given ? label : null, colour,
      sources: sources.map(({ lane, index }) => [lanes.indexOf(lane), index]),
    })),
  };
}
