// The layers that are chosen in the list or on the canvas, and what can be done with them.

/**
 * @param on {solo(ids), rename(id), refine(layer), merge(layers), remove(ids), changed()}
 */
export function createSelection(refs, t, on) {
  const ids = new Set();
  let layers = [];

  const chosen = () => layers.filter((layer) => ids.has(layer.id));
  const actions = {
    solo: () => on.solo([...ids]),
    rename: () => on.rename([...ids][0]),
    refine: () => on.refine(chosen()[0]),
    merge: () => on.merge(chosen()),
    remove: () => on.remove([...ids]),
  };
  for (const [name, action] of Object.entries(actions)) refs[name].addEventListener("click", action);

  return {
    ids,
    toggle(id) {
      if (!ids.delete(id)) ids.add(id);
      on.changed();
    },
    clear() {
      ids.clear();
    },
    /** Forgets what is not there any more and sets which actions are possible. */
    render(next, solo) {
      layers = next;
      for (const id of ids) if (!layers.some((layer) => layer.id === id)) ids.delete(id);
      const count = ids.size;
      refs.solo.disabled = refs.remove.disabled = count === 0;
      refs.solo.setAttribute("aria-pressed", String(solo !== null));
      if (solo) refs.solo.disabled = false; // the way back
      refs.rename.disabled = refs.refine.disabled = count !== 1;
      refs.merge.disabled = count < 2;
      refs.chosen.textContent = count === 0 ? t("chosen_none") : t("chosen", { count });
    },
  };
}
