// Small controls: choices, keys, the theme.

import { el } from "./dom.mjs";

/** A row of buttons of which one is chosen; arrow keys move. Returns a function that chooses. */
export function bindChoice(root, changed) {
  const buttons = [...root.querySelectorAll("[role=radio]")];
  const choose = (value, tell = true) => {
    for (const button of buttons) {
      const chosen = button.dataset.value === String(value);
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    if (tell) changed(String(value));
  };
  for (const button of buttons) button.addEventListener("click", () => choose(button.dataset.value));
  root.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    choose(next.dataset.value);
  });
  choose(buttons.find((button) => button.getAttribute("aria-checked") === "true")?.dataset.value ?? "", false);
  return choose;
}

/** A button that is on or off. Returns a function that sets it. */
export function bindToggle(button, changed) {
  const set = (on) => {
    button.setAttribute("aria-pressed", String(on));
    changed(on);
  };
  button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
  return set;
}

/** A slider of per cents with its value beside it; `changed` is told at once and on every move. */
export function bindSlider(input, output, changed) {
  const read = () => {
    const share = (input.value - input.min) / (input.max - input.min);
    input.style.setProperty("--pcs-filled", `${share * 100}%`);
    output.textContent = `${input.value}%`;
    changed(Number(input.value));
  };
  input.addEventListener("input", read);
  read();
}

export const KEYS = [
  ["key_click", "click"], ["key_negative", "negative"], ["key_drag", "box"], ["key_remove", "remove"],
  ["key_wheel", "zoom"], ["key_pan", "pan"], ["key_pick", "pick"], ["Z", "undo"], ["⇧ Z", "redo"], ["X", "flip"], ["B", "brush"], ["R", "eraser"], ["V", "clicks"], ["[ ]", "size"],
  ["0 1 2 3", "grain"], ["E", "everything"], ["key_space", "hide"], ["C", "compare"], ["P", "projector"], ["key_arrows", "arrows"], ["Esc", "escape"], ["?", "help"],
];

export function fillKeys(root, t) {
  root.replaceChildren(...KEYS.flatMap(([key, meaning]) => [
    el("dt", {}, el("kbd", {}, key.startsWith("key_") ? t(key) : key)),
    el("dd", {}, t(`does_${meaning}`)),
  ]));
}

const TOOLS = { b: "brush", r: "eraser", v: "click" };
const SIZES = { "[": -1, "]": 1 };
const GRAINS = { 0: "", 1: "whole", 2: "part", 3: "subpart" };

export function bindKeys(root, on) {
  const typing = (target) => target.closest?.("input:not([type=range]), textarea, select, dialog[open], [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (!root.isConnected || typing(event.target)) return;
    const undoing = event.key.toLowerCase() === "z" && !event.altKey;
    if (undoing) (event.shiftKey ? on.redo : on.undo)();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === " " && !event.target.closest?.("button, a, label")) on.hide(true);
    else if (event.key in GRAINS) on.grain(GRAINS[event.key]);
    else if (event.key in TOOLS) on.tool(TOOLS[event.key]);
    else if (event.key in SIZES) on.size(SIZES[event.key]);
    else if (event.key === "e") on.everything();
    else if (event.key === "x") on.flip();
    else if (event.key === "c") on.compare();
    else if (event.key === "p") on.projector();
    else if (event.key === "?") on.help();
    else if (event.key === "Escape") on.escape();
    else return;
    event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && root.isConnected && !typing(event.target)) on.hide(false);
  });
}

/** Gradio marks the dark theme with a class on the body and follows the system; this overrides it. */
export function bindTheme(button) {
  const asked = new URLSearchParams(window.location.search).get("__theme");
  const stored = recall("theme");
  if (stored && !asked) document.body.classList.toggle("dark", stored === "dark");
  button.addEventListener("click", () => {
    remember("theme", document.body.classList.toggle("dark") ? "dark" : "light");
  });
}

/** A toggle that the browser remembers. */
export function bindStored(button, name, changed) {
  const set = bindToggle(button, (on) => {
    remember(name, on ? "on" : "off");
    changed(on);
  });
  if (recall(name) === "on") set(true);
}

/** What this browser was told on an earlier visit, or null. */
export function recall(name) {
  try {
    return window.localStorage.getItem(`partclipseg.${name}`);
  } catch {
    return null; // storage may be forbidden
  }
}

export function remember(name, value) {
  try {
    window.localStorage.setItem(`partclipseg.${name}`, value);
  } catch {
    // the choice then lasts as long as the page
  }
}
