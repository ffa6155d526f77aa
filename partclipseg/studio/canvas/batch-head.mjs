// The head of the page for many photos: its name, the way back, light or dark.

import { bindTheme } from "./controls.mjs";
import { references, translate, translator } from "./dom.mjs";
import { firstLanguage } from "./language.mjs";

export function mount({ element, props }) {
  const { strings } = props.setup;
  // Gradio's own components go by this language alone.
  const code = firstLanguage([navigator.language], Object.keys(strings));
  const t = translator(() => strings[code]);
  document.documentElement.lang = code;
  document.title = `PartCLIPSeg ${t("batch_title")}`;
  translate(element, t);
  bindTheme(references(element).theme);
}
