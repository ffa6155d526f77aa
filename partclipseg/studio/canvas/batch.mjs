// The table of the page for many photos: a row for each, and how far all of it is.

import { el, references, say, translate, translator } from "./dom.mjs";
import { firstLanguage, translateSentence } from "./language.mjs";

const OVER = ["done", "failed", "left"];

/** What is said above the table; value: {stage, photos: [{state}]}. */
export function toldOf({ stage, photos }, t) {
  const count = photos.length;
  const done = photos.filter(({ state }) => state === "done").length;
  if (stage !== "running") return t(`batch_${stage}`, { done, count });
  return t("batch_running", { number: Math.min(count, photos.filter(over).length + 1), count });
}

/** The share of all photos that is behind us, 0 to 1. */
export function shareOf(photos) {
  const shares = photos.map((photo) => (over(photo) ? 1 : photo.share));
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, photos.length);
}

function over({ state }) {
  return OVER.includes(state);
}

/** value: {stage, error, go, photos: [{name, state, share, parts, ms, notes}]} */
export function mount({ element, trigger, props, watch }) {
  const { strings, sentences } = props.setup;
  const code = firstLanguage([navigator.language], Object.keys(strings));
  const t = translator(() => strings[code]);
  const refs = references(element);
  let begun = "";

  function row({ name, state, parts, ms, notes }) {
    const said = notes.map((note) => translateSentence(note, sentences[code]));
    return el("tr", { "data-state": state },
      el("th", { scope: "row" }, name),
      el("td", {},
        el("span", { class: "pcs-batch__state" }, t(`batch_state_${state}`)),
        ...said.map((note) => el("span", { class: "pcs-batch__note" }, note))),
      el("td", { class: "pcs-batch__number" }, parts === null ? "" : String(parts)),
      el("td", { class: "pcs-batch__number" }, ms === null ? "" : String(ms)));
  }

  function show() {
    const { stage, error, go, photos } = props.value;
    const idle = photos.length === 0;
    say(refs.error, translateSentence(error, sentences[code]));
    refs.empty.hidden = !idle || Boolean(error);
    refs.board.hidden = idle;
    if (!idle) {
      refs.told.textContent = toldOf(props.value, t);
      const percent = Math.round(100 * shareOf(photos));
      refs.bar.style.setProperty("--pcs-share", `${percent}%`);
      refs.bar.setAttribute("aria-valuenow", String(percent));
      refs.rows.replaceChildren(...photos.map(row));
    }
    element.dataset.stage = stage;
    // The questions of all visitors wait in one line; only what can be done gets into it.
    if (go && go !== begun) {
      begun = go;
      trigger("go", {});
    }
  }

  translate(element, t);
  watch("value", show);
  window.addEventListener("partclipseg:batch-failed", () => say(refs.error, t("batch_no_answer")));
  show();
}
