// The list of layers beside the canvas: legend, numbers, and what is shown.

import { el, icon } from "./dom.mjs";
import { NAME_LIMIT } from "./edits.mjs";

const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const percent = (share) => (share >= 0.0995 ? `${Math.round(share * 100)}%` : `${(share * 100).toFixed(1)}%`);
const DOUBLE = 350; // ms
const COLUMNS = [["name", "column_label"], ["similarity", "column_similarity"], ["iou", "column_iou"], ["area", "column_area"]];

/**
 * @param root the element that holds the list
 * @param on {hover(id|null), toggle(id), select(id), rename(id, label), remove(id), sort(column)}
 */
export function createLayerList(root, t, on) {
  let rows = new Map();
  let layers = new Map();
  let pressed = { id: null, time: 0 };
  let editing = false;
  let waiting = null;

  function head(sort) {
    const buttons = COLUMNS.map(([by, key]) => {
      const chosen = sort?.by === by;
      const arrow = chosen ? el("span", { "aria-hidden": "true" }, sort.down ? "↓" : "↑") : null;
      return el("button", {
        type: "button", class: "pcs-sort", "data-focus": `sort:${by}`, "aria-pressed": String(chosen),
        title: t("sort_by", { column: t(key) }), onclick: () => on.sort(by),
      }, t(key), arrow);
    });
    return el("div", { class: "pcs-layer pcs-layer--head", role: "group", "aria-label": t("sort") }, el("span"), ...buttons);
  }

  function row(layer, chosen) {
    const eye = el("button", {
      type: "button", class: "pcs-swatch", style: `--pcs-colour: ${layer.colour}`, "data-focus": `eye:${layer.id}`,
      "aria-pressed": String(layer.visible), "aria-label": t(layer.visible ? "layer_hide" : "layer_show", { label: layer.label }),
      onclick: () => on.toggle(layer.id),
    }, layer.visible ? null : icon("hide"));
    const name = el("button", {
      type: "button", class: "pcs-layer__name", "aria-pressed": String(chosen), "data-focus": `name:${layer.id}`,
      title: layer.label, onclick: (event) => press(event, layer.id),
      onkeydown: (event) => keys(event, layer.id),
    }, ...(layer.object && layer.part ? [el("span", { class: "pcs-layer__object" }, layer.object), " "] : []), layer.part || layer.object || layer.label);
    const line = el("div", { class: "pcs-layer", role: "listitem", "data-layer": layer.id },
      eye, el("span", { class: "pcs-layer__label" }, name, detail(layer)),
      el("span", { class: "pcs-layer__number", title: t("similarity_hint") }, number(layer.similarity)),
      el("span", { class: "pcs-layer__number", title: t("iou_hint") }, number(layer.iou)),
      el("span", { class: "pcs-layer__number" }, percent(layer.share)));
    line.classList.toggle("pcs-layer--off", !layer.visible);
    line.classList.toggle("pcs-layer--chosen", chosen);
    line.addEventListener("pointerenter", () => on.hover(layer.id));
    line.addEventListener("pointerleave", () => on.hover(null));
    return line;
  }

  /** Every press builds the list anew, so the browser sees no double click: it is told here. */
  function press(event, id) {
    const again = pressed.id === id && event.timeStamp - pressed.time < DOUBLE && event.detail > 0;
    pressed = { id, time: event.timeStamp };
    if (again) edit(id);
    else on.select(id);
  }

  function keys(event, id) {
    if (event.key === "F2") edit(id);
    else if (event.key === "Delete") on.remove(id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function detail(layer) {
    const parts = [];
    if (layer.given) parts.push(t("layer_given"));
    if (layer.grain) parts.push(t(`grain_${layer.grain}`));
    if (layer.probability !== null) parts.push(t("sure", { percent: Math.round(layer.probability * 100) }));
    if (parts.length === 0) return null;
    return el("span", { class: "pcs-layer__detail" }, parts.join(" · "));
  }

  /** The name becomes a field; Enter or leaving it takes the new name, Escape the old one. */
  function edit(id) {
    const line = rows.get(id);
    if (!line || editing) return;
    editing = true;
    const { label } = layers.get(id);
    const field = el("input", { class: "pcs-rename", maxlength: NAME_LIMIT, "aria-label": t("rename_field", { label }), spellcheck: "false" });
    field.value = label;
    const end = (keep) => {
      if (!editing) return;
      editing = false;
      const next = field.value.trim().replace(/\s+/g, " ");
      if (keep && next && next !== label) on.rename(id, next);
      else render(waiting);
      root.querySelector(`[data-focus="${CSS.escape(`name:${id}`)}"]`)?.focus();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault(); // the name has the focus next: this Enter must not press it
      end(event.key === "Enter");
    });
    field.addEventListener("blur", () => end(true));
    line.querySelector(".pcs-layer__label").replaceChildren(field);
    field.focus();
    field.select();
  }

  /** @param view {layers, below, selected, sort, empty, busy}; `below` counts what the threshold hides */
  function render(view) {
    waiting = view;
    if (editing) return; // a field that a person types into is not taken away
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    rows = new Map();
    layers = new Map(view.layers.map((layer) => [layer.id, layer]));
    const nodes = [];
    if (view.layers.length > 0) {
      const list = el("div", { role: "list", "aria-label": t("parts") });
      for (const layer of view.layers) {
        const line = row(layer, view.selected.has(layer.id));
        rows.set(layer.id, line);
        list.append(line);
      }
      nodes.push(head(view.sort), list);
    } else if (view.busy) {
      nodes.push(...[0, 1, 2].map(() => el("div", { class: "pcs-skeleton", "aria-hidden": "true" })));
    } else if (view.below === 0) {
      nodes.push(el("p", { class: "pcs-quiet" }, view.empty));
    }
    if (view.below > 0) {
      nodes.push(el("p", { class: "pcs-quiet" }, t(view.below === 1 ? "below_one" : "below", { count: view.below })));
    }
    root.replaceChildren(...nodes);
    if (focused) root.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  return {
    render,
    edit,
    light(id) {
      for (const [key, line] of rows) line.classList.toggle("pcs-layer--lit", key === id);
    },
    /** Brings a row into the list's own window; the page stays where it is. */
    reveal(id) {
      const line = rows.get(id);
      if (!line) return;
      const top = line.offsetTop - root.offsetTop;
      if (top < root.scrollTop || top + line.offsetHeight > root.scrollTop + root.clientHeight) {
        root.scrollTop = top - root.clientHeight / 2;
      }
    },
  };
}
