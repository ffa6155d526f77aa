// What a person has made of the layers: other names, some away, some made one. Pure.
//
// Edits are part of a history state, so that undo brings names and layers back. They speak of
// layers by their ids; an id that is not there (another question is asked) is passed over.

import { countsOf, fillRuns } from "./rle.mjs";

export const NO_EDITS = Object.freeze({ names: {}, gone: [], merged: [] });
export const NAME_LIMIT = 80;

export function rename(edits, id, label) {
  return { ...edits, names: { ...edits.names, [id]: label } };
}

export function remove(edits, ids) {
  return { ...edits, gone: [...edits.gone, ...ids] };
}

/** Several layers become one, with the name and colour of the first. */
export function merge(edits, layers) {
  const id = `merged:${edits.merged.length + 1}`;
  const [{ label, colour }] = layers;
  return { ...edits, merged: [...edits.merged, { id, label, colour, from: layers.map((layer) => layer.id) }] };
}

/** "car: wheel" as {object: "car", part: "wheel"}. */
function named(label) {
  const at = label.indexOf(": ");
  if (at < 1) return { label, object: null, part: label };
  return { label, object: label.slice(0, at), part: label.slice(at + 2) };
}

const unions = new WeakMap(); // of a merge that is in the history: it never changes

function union(entry, sources) {
  if (!unions.has(entry)) {
    const [height, width] = sources[0].grid;
    const bitmap = new Uint8Array(width * height);
    for (const source of sources) fillRuns(bitmap, source.counts, width, height);
    const counts = countsOf(bitmap, width, height);
    unions.set(entry, { counts, area: bitmap.reduce((sum, value) => sum + value, 0) });
  }
  return unions.get(entry);
}

/** A score belongs to a mask and a name; with another of either there is none. */
const WITHOUT_SCORES = { similarity: null, probability: null, score: "" };

/** The layers as edited; a merged one stands where its first source stood. */
export function applyEdits(layers, edits) {
  let edited = layers;
  for (const entry of edits.merged) {
    const sources = entry.from.map((id) => edited.find((layer) => layer.id === id));
    if (!sources.every(Boolean)) continue;
    const { counts, area } = union(entry, sources);
    const one = {
      ...sources[0], ...named(entry.label), ...WITHOUT_SCORES, id: entry.id, counts, area,
      iou: null, grain: null, share: area / (sources[0].grid[0] * sources[0].grid[1]), given: true,
      visible: sources.some((source) => source.visible), sources: sources.flatMap((source) => source.sources),
    };
    edited = edited.filter((layer) => !sources.includes(layer) || layer === sources[0])
      .map((layer) => (layer === sources[0] ? one : layer));
  }
  return edited.filter((layer) => !edits.gone.includes(layer.id)).map((layer) => {
    const label = edits.names[layer.id];
    return label === undefined ? layer : { ...layer, ...named(label), ...WITHOUT_SCORES, given: true };
  });
}
