// "Copy as": code that finds again what is shown, and a link that opens it.

import { bindChoice } from "./controls.mjs";
import { el, icon } from "./dom.mjs";
import { createPane, quietly } from "./panes.mjs";
import { encodeLink } from "./permalink.mjs";

const COPIED_SHOWN = 2500; // ms
const LANGUAGE_NAMES = { python: "copy_python", client: "copy_client", curl: "copy_curl", cli: "copy_cli" };

/** @param ask (event, payload, onStage) -> promise of an answer */
export function createCodePane(root, page, ask) {
  const { t } = page;
  let language = "python";
  let view = null;
  const linkPart = el("div", { class: "pcs-link" });
  const codePart = el("div", { class: "pcs-copying__code" });
  root.append(el("div", { class: "pcs-copying" }, codePart, linkPart));

  function languages() {
    const choice = el("div", { class: "pcs-choice", role: "radiogroup", "aria-label": t("copy_language") },
      ...Object.entries(LANGUAGE_NAMES).map(([value, key]) => el("button", {
        type: "button", role: "radio", "data-value": value, "data-focus": `language:${value}`, "aria-checked": String(value === language),
      }, t(key))));
    bindChoice(choice, (value) => {
      language = value;
      code.render(view);
    });
    return choice;
  }

  const code = createPane(codePart, page, {
    want({ photo, shown, grain, threshold }) {
      if (!photo || shown.runs.length === 0) return null;
      const { origin, pathname } = window.location;
      const payload = { ...shown, language, granularity: grain, sure: threshold, address: origin + pathname };
      return { key: JSON.stringify([photo.id, payload]), group: photo.id, payload };
    },
    ask: (payload, onStage) => ask("copy_code", payload, onStage),
    extra: () => language,
    empty: () => [quietly(t("copy_empty"))],
    fill: (answer) => [el("div", { class: "pcs-code__bar" }, languages(), copyButton(t, "copy", () => answer.code)),
      el("pre", { class: "pcs-code", tabindex: "0", "aria-label": t("copy_code") }, answer.code)],
  });

  /** The link, or why there is none. */
  function showLink() {
    const { example, state, grain, threshold, text } = view;
    if (!view.photo) return [];
    if (!example) return [quietly(t("link_own"))];
    const { words, points, boxes } = state;
    const { origin, pathname } = window.location;
    const link = `${origin}${pathname}${encodeLink({ example, text, words, points, boxes, grain, threshold })}`;
    const left = state.mask !== null || state.edits.gone.length > 0 || state.edits.merged.length > 0 || Object.keys(state.edits.names).length > 0;
    return [el("div", { class: "pcs-code__bar" }, el("h3", {}, t("link")), copyButton(t, "link_copy", () => link)),
      el("p", { class: "pcs-code pcs-code--line", "data-link": "", tabindex: "0" }, link), left ? quietly(t("link_left")) : null].filter(Boolean);
  }

  let linked = "";
  return {
    render(next) {
      view = next;
      code.render(next);
      if (!view) return;
      const { photo, example, state, grain, threshold, text } = view;
      const now = JSON.stringify([photo?.id, example, state, grain, threshold, text]);
      if (now !== linked) linkPart.replaceChildren(...showLink());
      linked = now;
    },
    name() {
      linked = "";
      code.name();
    },
  };
}

/** A button that copies a text and says so. */
function copyButton(t, key, text) {
  const said = el("span", {}, t(key));
  const button = el("button", {
    type: "button", class: "pcs-button pcs-copy", "data-focus": key, "aria-live": "polite",
    async onclick() {
      said.textContent = t(await copyText(text()) ? "copied" : "copy_failed");
      setTimeout(() => { said.textContent = t(key); }, COPIED_SHOWN);
    },
  }, icon("copy"), said);
  return button;
}

/** Whether it could be copied; where the page is not served safely, the old way is tried. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const before = document.activeElement;
    const field = el("textarea", { style: "position: fixed; opacity: 0", readonly: true, "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    before?.focus({ preventScroll: true });
    return done;
  }
}
