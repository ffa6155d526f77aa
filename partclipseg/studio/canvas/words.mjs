// The words box: what is understood of the words, in the colours to come, and suggestions.
//
// The box is a combobox (ARIA 1.2): the list of suggestions stands in a row of its own under it,
// in the place of the presets and as high, so that it covers nothing and nothing jumps.

import { el } from "./dom.mjs";
import { completeName } from "./typing.mjs";

const PAUSE = 140; // ms without a key before the server is asked

/**
 * @param presets {key: words}
 * @param on {read(text, caret) -> {chips, notes, suggestions} or null, preset(words), sentence(text)}
 */
export function createWords(refs, t, presets, on) {
  const box = refs.text;
  let timer = 0;
  let turn = 0;
  let options = [];
  let active = -1;

  function showChips(chips, notes) {
    refs.chips.replaceChildren(...chips.map((chip) => {
      const swatch = chip.negative ? null : el("span", { class: "pcs-chip__swatch", style: `--pcs-colour: ${chip.colour}` });
      const owner = chip.object && chip.part ? [el("span", { class: "pcs-chip__object" }, chip.object), " "] : [];
      const name = el("span", { class: "pcs-chip__name" }, ...owner, chip.part || chip.object);
      return el("li", { class: chip.negative ? "pcs-chip pcs-chip--negative" : "pcs-chip" },
        swatch, chip.negative ? el("span", { class: "pcs-chip__minus", role: "img", "aria-label": t("chip_negative") }, "−") : null, name);
    }));
    refs.chipsEmpty.hidden = chips.length > 0;
    refs.chipsNote.hidden = notes.length === 0;
    refs.chipsNote.textContent = notes.map(on.sentence).join(" ");
  }

  function showOptions(names) {
    active = -1;
    options = names.map((name, index) => el("li", {
      role: "option", id: `pcs-suggestion-${index}`, class: "pcs-suggestion", "aria-selected": "false",
      onpointerdown: (event) => event.preventDefault(), // the cursor stays in the box
      onclick: () => pick(name),
    }, name));
    refs.suggestions.replaceChildren(...options);
    refs.suggestions.hidden = options.length === 0;
    refs.ready.classList.toggle("pcs-ready--suggesting", options.length > 0);
    box.setAttribute("aria-expanded", String(options.length > 0));
    box.removeAttribute("aria-activedescendant");
  }

  function activate(index) {
    active = index;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
    const chosen = options[active];
    if (!chosen) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", chosen.id);
    return chosen.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function pick(name) {
    const next = completeName(box.value, box.selectionEnd, name);
    box.focus();
    box.value = next.text;
    box.setSelectionRange(next.caret, next.caret);
    showOptions([]);
    update();
  }

  async function ask(withSuggestions) {
    turn += 1;
    const mine = turn;
    const told = await on.read(box.value, withSuggestions ? charactersBefore(box) : -1);
    if (mine !== turn || !told) return;
    showChips(told.chips, told.notes);
    showOptions(withSuggestions && document.activeElement === box ? told.suggestions : []);
  }

  /** To be called after the words were changed by other means than typing. */
  function update() {
    clearTimeout(timer);
    ask(false);
  }

  /** No more suggestions, not those under way either; what is understood still comes. */
  function dismiss() {
    showOptions([]);
    update();
  }

  box.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(!event.isComposing), PAUSE);
  });
  box.addEventListener("keydown", (event) => {
    if (options.length === 0 || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) activate((active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length);
    else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) pick(options[active].textContent);
    else if (event.key === "Escape") dismiss();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  box.addEventListener("blur", () => showOptions([]));

  /** The presets, in the current language. */
  function name() {
    refs.presets.replaceChildren(...Object.entries(presets).map(([key, text]) => el("button", {
      type: "button", class: "pcs-preset", title: text, onclick: () => on.preset(text),
    }, t(`preset_${key}`))));
  }
  name();

  return {
    name,
    set(text) {
      box.value = text;
      update();
    },
    close: dismiss,
  };
}

/** The cursor in whole characters, as the server counts them: an emoji is one there and two here. */
function charactersBefore(box) {
  return [...box.value.slice(0, box.selectionEnd)].length;
}
