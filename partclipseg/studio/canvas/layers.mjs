// The list of layers beside the canvas: legend, numbers, and what is shown.

import { el, icon } from "./dom.mjs";

const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const percent = (share) => (share >= 0.0995 ? `${Math.round(share * 100)}%` : `${(share * 100).toFixed(1)}%`);

/**
 * @param root the element that holds the list
 * @param on {hover(id|null), toggle(id), solo(id)}
 */
export function createLayerList(root, t, on) {
  let rows = new Map();

  function head() {
    return el("div", { class: "pcs-layer pcs-layer--head", "aria-hidden": "true" },
      el("span"), el("span", {}, t("column_label")), el("span", {}, t("column_similarity")),
      el("span", {}, t("column_iou")), el("span", {}, t("column_area")));
  }

  function row(layer, solo) {
    const eye = el("button", {
      type: "button", class: "pcs-swatch", style: `--pcs-colour: ${layer.colour}`,
      "aria-pressed": String(layer.visible), "aria-label": t(layer.visible ? "layer_hide" : "layer_show", { label: layer.label }),
      onclick: (event) => { event.stopPropagation(); on.toggle(layer.id); },
    }, layer.visible ? null : icon("hide"));
    const name = el("button", {
      type: "button", class: "pcs-layer__name", "aria-pressed": String(solo === layer.id),
      title: layer.label, onclick: () => on.solo(layer.id),
    }, layer.object && layer.part ? el("span", { class: "pcs-layer__object" }, layer.object) : null, layer.part || layer.object || layer.label);
    const similarity = el("span", { class: "pcs-layer__number", title: t("similarity_hint") }, number(layer.similarity));
    const line = el("div", { class: "pcs-layer", role: "listitem", "data-layer": layer.id },
      eye, el("span", { class: "pcs-layer__label" }, name, detail(layer)), similarity,
      el("span", { class: "pcs-layer__number", title: t("iou_hint") }, number(layer.iou)),
      el("span", { class: "pcs-layer__number" }, percent(layer.share)));
    line.classList.toggle("pcs-layer--off", !layer.visible);
    line.addEventListener("pointerenter", () => on.hover(layer.id));
    line.addEventListener("pointerleave", () => on.hover(null));
    return line;
  }

  function detail(layer) {
    const parts = [];
    if (layer.grain) parts.push(t(`grain_${layer.grain}`));
    if (layer.probability !== null) parts.push(t("sure", { percent: Math.round(layer.probability * 100) }));
    if (parts.length === 0) return null;
    return el("span", { class: "pcs-layer__detail" }, parts.join(" · "));
  }

  return {
    /** @param view {layers, below, solo, empty, busy}; `below` counts what the threshold hides */
    render(view) {
      rows = new Map();
      const nodes = [];
      if (view.layers.length > 0) {
        const list = el("div", { role: "list", "aria-label": t("parts") });
        for (const layer of view.layers) {
          const line = row(layer, view.solo);
          rows.set(layer.id, line);
          list.append(line);
        }
        nodes.push(head(), list);
      } else if (view.busy) {
        nodes.push(...[0, 1, 2].map(() => el("div", { class: "pcs-skeleton", "aria-hidden": "true" })));
      } else if (view.below === 0) {
        nodes.push(el("p", { class: "pcs-quiet" }, view.empty));
      }
      if (view.below > 0) {
        nodes.push(el("p", { class: "pcs-quiet" }, t(view.below === 1 ? "below_one" : "below", { count: view.below })));
      }
      root.replaceChildren(...nodes);
    },
    light(id) {
      for (const [key, line] of rows) line.classList.toggle("pcs-layer--lit", key === id);
    },
  };
}
