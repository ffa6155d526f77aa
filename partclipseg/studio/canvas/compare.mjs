// The line between the photo as it is (left) and with its parts (right), to be moved over it.

const STEP = 0.02;

/** @param on changed(share of the stage's width, or null: no comparison) */
export function createCompare(refs, on) {
  const { compareLine: line, stage: room, compare: button } = refs;
  let share = null;

  function place(next) {
    share = next === null ? null : Math.min(1, Math.max(0, next));
    const active = share !== null;
    button.setAttribute("aria-pressed", String(active));
    line.hidden = !active;
    if (active) {
      line.style.left = `${share * 100}%`;
      line.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    }
    on.changed(share);
  }

  button.addEventListener("click", () => place(share === null ? 0.5 : null));
  line.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    line.focus();
    line.setPointerCapture(event.pointerId);
  });
  line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const { left, width } = room.getBoundingClientRect();
    place((event.clientX - left) / width);
  });
  line.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowUp: STEP, Home: -1, End: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    place(share + step);
  });

  return {
    toggle: () => place(share === null ? 0.5 : null),
    off: () => share !== null && place(null),
  };
}
