// Plots of what is shown: how large the parts are, and how similar each is to each name.

import { el } from "./dom.mjs";
import { createPane, quietly } from "./panes.mjs";

/** @param ask (event, payload, onStage) -> promise of an answer */
export function createPlotPane(root, page, pictures, ask) {
  const { t, sentence } = page;
  const texts = {
    areas: { title: "plot_areas", note: "plot_areas_note" },
    similarities: { title: "plot_similarities", note: "plot_similarities_note" },
  };
  return createPane(root, page, {
    want({ photo, asked, shown }) {
      if (!photo || shown.layers.length === 0) return null;
      const payload = { ...shown, text: asked };
      return { key: JSON.stringify([photo.id, payload]), group: photo.id, payload };
    },
    ask: (payload, onStage) => ask("plot_result", payload, onStage),
    empty: () => [quietly(t("plots_empty"))],
    fill: ({ plots, messages }) => [
      ...messages.map((message) => quietly(sentence(message))),
      el("div", { class: "pcs-pictures pcs-pictures--wide" }, ...plots.map(({ kind, file }) => pictures.card({
        title: t(texts[kind].title), note: t(texts[kind].note), alt: t(texts[kind].note), file,
      }))),
    ],
  });
}
