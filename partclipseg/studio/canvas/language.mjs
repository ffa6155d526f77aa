// Which language the page is in: the browser's, until the visitor presses the switch.

import { recall, remember } from "./controls.mjs";

const NAMES = { en: "EN", ko: "한국어" };

/** The first of the browser's languages that there is, else English. */
export function firstLanguage(wanted, known) {
  const found = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((code) => known.includes(code));
  return found ?? "en";
}

/** A sentence of the server in another language, or as it is; patterns: [[pattern, translation]]. */
export function translateSentence(sentence, patterns = []) {
  for (const [pattern, translation] of patterns) {
    const whole = new RegExp(`^${pattern}$`, "u");
    if (whole.test(sentence)) return sentence.replace(whole, translation);
  }
  return sentence;
}

/** @param setup {strings: {code: table}, sentences: {code: patterns}} */
export function createLanguage(setup, button, changed) {
  const known = Object.keys(setup.strings);
  const stored = recall("language");
  let code = known.includes(stored) ? stored : firstLanguage(navigator.languages ?? [navigator.language], known);

  function show() {
    const other = code === "ko" ? "en" : "ko";
    document.documentElement.lang = code;
    button.textContent = NAMES[other];
    button.lang = other;
  }

  button.addEventListener("click", () => {
    code = code === "ko" ? "en" : "ko";
    remember("language", code);
    show();
    changed();
  });
  show();

  return {
    table: () => setup.strings[code],
    sentence: (sentence) => translateSentence(sentence, setup.sentences[code]),
  };
}
