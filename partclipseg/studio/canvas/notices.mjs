// What lies over the photo for a while: the veil, the progress of a slow answer, the tooltip; and
// the line under it.

export function createNotices(refs, t) {
  return {
    /** The photo is not there yet; an empty sentence lifts the veil. */
    veil(sentence) {
      refs.veilText.textContent = sentence;
      refs.veil.hidden = !sentence;
    },
    /** How far a slow answer is; null ends it. */
    progress(stage, share = 0) {
      refs.progress.hidden = !stage;
      if (!stage) return;
      refs.hint.hidden = true;
      const percent = Math.round(share * 100);
      refs.progressText.textContent = t(stage, { percent });
      refs.progressBar.style.setProperty("--pcs-done", `${percent}%`);
      refs.progressBar.setAttribute("aria-valuenow", String(percent));
    },
    /** The line under the photo: what it is, how long it took, what is shown. */
    status(photo, layers, times) {
      const shown = layers.filter((layer) => layer.visible).length;
      refs.status.textContent = photo ? [
        photo.name, `${photo.width} × ${photo.height}`, t("encoded", { ms: Math.round(times.encode) }),
        times.decode === undefined ? null : t("decoded", { ms: Math.round(times.decode) }),
        t(shown === 1 ? "one_part" : "some_parts", { count: shown }),
      ].filter(Boolean).join("  ·  ") : "";
    },
    /** The layer under the pointer, beside it; null where there is none. */
    tip(layer, at) {
      refs.tip.hidden = !layer;
      if (!layer) return;
      refs.tipName.textContent = layer.label;
      refs.tipScore.textContent = layer.score;
      const room = refs.stage.getBoundingClientRect();
      const left = Math.max(8, Math.min(at.x + 16, room.width - refs.tip.offsetWidth - 8));
      refs.tip.style.transform = `translate(${left}px, ${Math.min(at.y + 18, room.height - 40)}px)`;
    },
  };
}
