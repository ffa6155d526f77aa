// What the person has asked for on this photo: clicks, boxes and a painted mask, with undo and redo.
//
// A state is immutable: {points: [{x, y, label}], boxes: [[x0, y0, x1, y1]], mask, words}, in pixels
// of the photo; label is 1 for "this belongs to it", 0 for "this does not". `mask` is null or
// {size: [h, w], counts}. `words` is the text or the everything run that is shown and `edits` what
// was made of the layers, so that undo brings these back too.

import { NO_EDITS } from "./edits.mjs";

export const EMPTY = Object.freeze({ points: [], boxes: [], mask: null, words: null, edits: NO_EDITS });
export const HISTORY_LIMIT = 200;

export const hasMarks = (state) => state.points.length > 0 || state.boxes.length > 0 || state.mask !== null;

export function addPoint(state, x, y, label) {
  return { ...state, points: [...state.points, { x, y, label }] };
}

export function addBox(state, box) {
  return { ...state, boxes: [...state.boxes, box] };
}

export function removeMark(state, mark) {
  return mark.kind === "point"
    ? { ...state, points: state.points.filter((_, index) => index !== mark.index) }
    : { ...state, boxes: state.boxes.filter((_, index) => index !== mark.index) };
}

export function withMask(state, mask) {
  return { ...state, mask };
}

export function withEdits(state, edits) {
  return { ...state, edits };
}

export function withWords(state, words) {
  return { ...state, words };
}

export function clearMarks(state) {
  return { ...state, points: [], boxes: [], mask: null };
}

/** Whether two states ask for the same with clicks, boxes and a mask. */
export function sameMarks(a, b) {
  return a.points === b.points && a.boxes === b.boxes && a.mask === b.mask;
}

/**
 * The mark under a screen point: a point's dot or a box's corner handle (top right).
 * The newest is on top and is found first.
 * @param project photo point -> screen point
 */
export function markAt(state, at, project, radius) {
  const near = (point) => {
    const shown = project(point);
    return Math.hypot(shown.x - at.x, shown.y - at.y) <= radius;
  };
  for (let index = state.points.length - 1; index >= 0; index -= 1) {
    if (near(state.points[index])) return { kind: "point", index };
  }
  for (let index = state.boxes.length - 1; index >= 0; index -= 1) {
    const [, top, right] = state.boxes[index];
    if (near({ x: right, y: top })) return { kind: "box", index };
  }
  return null;
}

export function createHistory(initial = EMPTY) {
  let past = [];
  let present = initial;
  let future = [];
  return {
    get state() {
      return present;
    },
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },
    push(state) {
      past = [...past, present].slice(-HISTORY_LIMIT);
      present = state;
      future = [];
      return present;
    },
    undo() {
      if (past.length === 0) return present;
      future = [present, ...future];
      present = past[past.length - 1];
      past = past.slice(0, -1);
      return present;
    },
    redo() {
      if (future.length === 0) return present;
      past = [...past, present];
      [present, ...future] = future;
      return present;
    },
    clear(state = EMPTY) {
      past = [];
      present = state;
      future = [];
      return present;
    },
  };
}
