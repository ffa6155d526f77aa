// Heat maps: where the photo is like each of the words, before any decision.

import { el } from "./dom.mjs";
import { createPane, quietly } from "./panes.mjs";

const cosine = (value) => value.toFixed(2).replace("-", "−");

/** @param ask (event, payload, onStage) -> promise of an answer */
export function createHeatPane(root, page, pictures, ask) {
  const { t } = page;
  return createPane(root, page, {
    want({ photo, words }) {
      if (!photo || !words) return null;
      return { key: JSON.stringify([photo.id, words]), group: photo.id, payload: { text: words } };
    },
    ask: (payload, onStage) => ask("show_heat_maps", payload, onStage),
    empty: () => [quietly(t("heat_empty"))],
    fill: ({ maps }) => [
      el("p", { class: "pcs-pane__about" }, t("heat_about")),
      el("div", { class: "pcs-pictures" }, ...maps.map(({ label, low, high, file }) => pictures.card({
        title: label, file, alt: t("heat_alt", { label }), note: t("heat_range", { low: cosine(low), high: cosine(high) }),
      }))),
    ],
  });
}
