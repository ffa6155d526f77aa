// Files that the visitor takes away.

import { el, say } from "./dom.mjs";

/** @param on {save(what, opacity) -> promise of an answer, told(answer) -> sentence} */
export function createSaving(refs, on) {
  async function save(what, button) {
    say(refs.saveError, "");
    button.disabled = true;
    const answer = await on.save(what, refs.opacity.value / 100);
    button.disabled = false;
    if (answer.error) say(refs.saveError, on.told(answer));
    if (!answer.file) return;
    const link = el("a", { href: answer.file.url, download: answer.file.orig_name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  refs.saveOverlay.addEventListener("click", () => save("overlay", refs.saveOverlay));
  refs.saveCoco.addEventListener("click", () => save("coco", refs.saveCoco));
  refs.saveMore.addEventListener("change", () => {
    const what = refs.saveMore.value;
    refs.saveMore.value = ""; // the list is a menu, not a setting
    if (what) save(what, refs.saveMore);
  });
}
