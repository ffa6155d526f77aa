// "What is this?": what the chosen layer may be called, out of the whole vocabulary.

import { el } from "./dom.mjs";
import { createPane, quietly } from "./panes.mjs";
import { inOneLine, ranking } from "./ranking.mjs";
import { kept } from "./results.mjs";

const CHIPS = 16; // layers that can be chosen in the pane itself

/**
 * @param ask (event, payload, onStage) -> promise of an answer
 * @param on {rename(id, label), select(id)}
 */
export function createGuessPane(root, page, ask, on) {
  const { t } = page;
  const chosen = ({ layers, selected }) => (selected.size === 1 ? layers.find(({ id }) => selected.has(id)) ?? null : null);

  function swatch({ colour }) {
    return el("span", { class: "pcs-chip__swatch", style: `--pcs-colour: ${colour}`, "aria-hidden": "true" });
  }

  function bars(layer, rows, by, title, note) {
    const list = ranking(rows, by).map(({ label, text, length }) => el("li", {},
      el("button", {
        type: "button", class: "pcs-guess", "data-focus": `${by}:${label}`, "aria-pressed": String(label === layer.label),
        title: t("guess_take", { label }), onclick: () => label !== layer.label && on.rename(layer.id, label),
      }, el("span", { class: "pcs-guess__name" }, label), el("span", { class: "pcs-guess__value" }, text),
      el("span", { class: "pcs-guess__bar", style: `--pcs-length: ${(100 * length).toFixed(1)}%`, "aria-hidden": "true" }))));
    return el("section", { class: "pcs-guesses" }, el("h3", {}, title), el("p", { class: "pcs-pane__about" }, note),
      rows.length > 0 ? el("ol", {}, ...list) : quietly(t("guess_none")));
  }

  function choices({ layers }) {
    const shown = layers.filter((layer) => layer.visible);
    if (shown.length === 0) return [quietly(t("guess_empty"))];
    return [quietly(t("guess_choose")), el("div", { class: "pcs-choices" }, ...shown.slice(0, CHIPS).map((layer) => el("button", {
      type: "button", class: "pcs-preset pcs-choices__one", onclick: () => on.select(layer.id),
    }, swatch(layer), el("span", {}, layer.label))))];
  }

  return createPane(root, page, {
    want(view) {
      const layer = chosen(view);
      if (!view.photo || !layer) return null;
      const payload = kept(view.runs, [{ ...layer, visible: true, given: false, colour: null }]);
      return { key: JSON.stringify([view.photo.id, payload]), group: `${view.photo.id} ${layer.id}`, payload };
    },
    ask: (payload, onStage) => ask("guess_name", payload, onStage),
    extra: (view) => {
      const layer = chosen(view);
      const rows = layer ? [layer] : view.layers.filter(({ visible }) => visible);
      return JSON.stringify(rows.map(({ id, label, colour }) => [id, label, colour]));
    },
    empty: choices,
    fill({ names, objects, parts, count }, view) {
      const layer = chosen(view);
      const likely = objects.length > 0 ? ` ${t("guess_objects", { names: inOneLine(objects) })}` : "";
      return [
        el("p", { class: "pcs-guess__of" }, swatch(layer), el("strong", {}, layer.label)),
        el("div", { class: "pcs-guess__columns" },
          bars(layer, names, "similarity", t("guess_flat"), t("guess_flat_note", { count: count.toLocaleString("en") })),
          bars(layer, parts, "probability", t("guess_parts"), `${t("guess_parts_note")}${likely}`)),
      ];
    },
  });
}
