// What the panes of the drawer have in common: what is waited for, what went wrong, the content.

import { el } from "./dom.mjs";
import { createInquiry } from "./inquiry.mjs";

const PLACEHOLDERS = 3;

/**
 * A pane that shows an answer of the server.
 * @param page {t, sentence}: strings, and sentences of the server in the current language
 * @param want view -> {key, group, payload}, or null where there is nothing to ask
 * @param ask (payload, onStage) -> promise of an answer
 * @param fill (answer, view) -> nodes
 * @param empty view -> nodes, where nothing is wanted
 * @param extra view -> a text of all that these nodes depend on beside the answer
 */
export function createPane(root, { t, sentence }, { want, ask, fill, empty, extra = () => "" }) {
  const status = el("p", { class: "pcs-pane__status", role: "status" });
  const body = el("div", { class: "pcs-pane__body" });
  root.append(status, body);
  let view = null;
  let drawn = null;
  const inquiry = createInquiry(ask, draw);

  const blank = () => el("div", { class: "pcs-pane__blank", "aria-hidden": "true" });

  function failed(message) {
    return el("div", { class: "pcs-pane__failed" },
      el("p", { class: "pcs-alert", role: "alert" }, sentence(message)),
      el("button", { type: "button", class: "pcs-button", onclick: () => inquiry.retry() }, t("again")));
  }

  function nodes(wanted, content) {
    if (!wanted) return empty(view);
    if (!content) return Array.from({ length: PLACEHOLDERS }, blank);
    return content.error ? [failed(content.error.message)] : fill(content, view);
  }

  function draw() {
    if (!view) return;
    const wanted = want(view) !== null;
    const { answer, older, stage } = inquiry.state;
    const waiting = wanted && !answer;
    const percent = Math.round(100 * (stage?.share ?? 0));
    status.textContent = waiting ? t(stage?.name ?? "pane_waiting", { percent }) : "";
    body.classList.toggle("pcs-pane__body--old", waiting && older !== null);
    const now = [wanted, answer ?? older, extra(view)];
    if (drawn?.every((value, index) => value === now[index])) return;
    drawn = now;
    const focused = body.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    body.replaceChildren(...nodes(wanted, answer ?? older));
    if (focused) body.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  return {
    /** To be called whenever anything has changed while the pane is open, with null once it is not. */
    render(next) {
      view = next;
      inquiry.want(view && want(view), view?.busy ?? false);
      draw();
    },
    /** Everything is to be said anew, in another language. */
    name() {
      drawn = null;
    },
  };
}

/** A sentence where there is nothing to show. */
export function quietly(text) {
  return el("p", { class: "pcs-quiet" }, text);
}
