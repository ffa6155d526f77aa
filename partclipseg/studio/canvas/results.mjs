// From the server's answers to the layers that are shown. Pure: threshold, granularity, visibility
// and solo are decided here and never ask the server.

import { decodeCounts } from "./rle.mjs";

/** Two questions with the same key have the same answer. */
export const keyOf = (ask) => JSON.stringify(ask);

/** The layers of one answer. `lane` is "words" or "marks"; ids are stable for the same question. */
export function readLayers(parts, ask, lane) {
  return parts.map((part, index) => {
    const counts = decodeCounts(part.rle.counts);
    const area = counts.reduce((sum, length, at) => (at % 2 === 1 ? sum + length : sum), 0);
    return {
      id: `${lane}:${keyOf(ask)}:${index}`, index, lane, counts, area, grid: part.rle.size,
      label: part.label, object: part.object, part: part.part, colour: part.colour,
      similarity: part.similarity, probability: part.probability, iou: part.predicted_iou,
      grain: part.granularity, share: part.share,
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
 * @param view {threshold, grain, overrides: Map(id -> visible), solo, front: "words"|"marks"}
 * @returns {layers, below}: layers for the list, each with `visible`, `faint` and `name` (the short
 *   label where all are of one object); `below` counts those that the threshold leaves out
 */
export function arrange(runs, view) {
  const layers = [];
  let below = 0;
  const objects = new Set([runs.words, runs.marks].flatMap((run) => run?.layers ?? []).map((layer) => layer.object));
  for (const run of [runs.marks, runs.words]) {
    if (!run) continue;
    const chosen = areAlternatives(run) ? chosenAlternative(run.layers, view.grain) : null;
    for (const layer of run.layers) {
      if (layer.lane === "words" && (layer.probability ?? 1) < view.threshold) {
        below += 1;
        continue;
      }
      const own = view.overrides.get(layer.id) ?? (chosen === null || chosen === layer);
      layers.push({
        ...layer,
        name: objects.size > 1 ? layer.label : layer.part || layer.label,
        visible: view.solo ? view.solo === layer.id : own,
        faint: !view.solo && runs.marks !== null && runs.words !== null && layer.lane !== view.front,
      });
    }
  }
  return { layers, below };
}

/** What a download is made of: every question with the numbers of the layers that are shown. */
export function kept(runs, layers) {
  return [runs.words, runs.marks].filter(Boolean).map((run) => ({
    ask: run.ask,
    keep: layers.filter((layer) => layer.visible && run.layers.some((own) => own.id === layer.id))
      .map((layer) => layer.index),
  })).filter((run) => run.keep.length > 0);
}
