// From pointer events to what the person meant: a click, a box, a pan or a pinch.
//
// Pure: it is told the time and returns actions, so every rule below has a test without a browser.
//   up to SLOP px of movement between press and release is a click, at the point of the press
//   more is a box (or a pan with the middle button or while `panning` is held)
//   with a brush in hand every press begins a stroke at once
//   a finger that rests for LONG_PRESS ms is a negative click
//   a press that might have moved the photo and did not picks what lies there
//   two fingers pinch and pan; what the first had begun is dropped

export const SLOP = { mouse: 4, pen: 6, touch: 10 };
export const LONG_PRESS = 480;

// What must be said when what had begun is dropped.
const DROPPED = { drag: [{ type: "box-cancel" }], draw: [{ type: "stroke-cancel" }] };

const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

export function createGestures() {
  const pointers = new Map();
  let mode = "idle"; // idle | press | drag | draw | pan | pinch | spent
  let press = null;

  function begin(event) {
    press = {
      id: event.id,
      at: { x: event.x, y: event.y },
      last: { x: event.x, y: event.y },
      kind: event.kind,
      negative: event.negative,
      time: event.time,
    };
  }

  /** event: {id, x, y, kind: "mouse"|"pen"|"touch", negative, pan, draw, time} */
  function down(event) {
    pointers.set(event.id, { x: event.x, y: event.y });
    if (pointers.size === 2) {
      const dropped = DROPPED[mode] ?? [];
      mode = "pinch";
      press = null;
      return dropped;
    }
    if (pointers.size > 2) return [];
    begin(event);
    mode = "press";
    if (event.pan) mode = "pan";
    else if (event.draw) mode = "draw";
    return mode === "draw" ? [{ type: "stroke-begin", at: press.at, negative: event.negative }] : [];
  }

  function move(event) {
    if (!pointers.has(event.id)) return [];
    const here = { x: event.x, y: event.y };
    if (mode === "pinch") return pinch(event.id, here);
    pointers.set(event.id, here);
    if (!press || event.id !== press.id) return [];
    if (mode === "press" && distance(press.at, here) > (SLOP[press.kind] ?? SLOP.mouse)) {
      mode = "drag";
    }
    if (mode === "drag") return [{ type: "box-move", from: press.at, to: here }];
    if (mode === "pan") {
      press.moved ||= distance(press.at, here) > (SLOP[press.kind] ?? SLOP.mouse);
      const action = { type: "pan", dx: here.x - press.last.x, dy: here.y - press.last.y };
      press.last = here;
      return [action];
    }
    if (mode === "draw") {
      const action = { type: "stroke", from: press.last, to: here };
      press.last = here;
      return [action];
    }
    return [];
  }

  function pinch(id, here) {
    const [first, second] = [...pointers.keys()];
    const before = [pointers.get(first), pointers.get(second)];
    pointers.set(id, here);
    const after = [pointers.get(first), pointers.get(second)];
    const from = middle(...before);
    const to = middle(...after);
    const factor = distance(...after) / Math.max(distance(...before), 1);
    return [
      { type: "pan", dx: to.x - from.x, dy: to.y - from.y },
      { type: "zoom", factor, at: to },
    ];
  }

  function up(event) {
    if (!pointers.delete(event.id)) return [];
    const was = mode;
    const start = press;
    if (pointers.size === 0) {
      mode = "idle";
      press = null;
    } else {
      mode = "spent"; // the finger that is left after a pinch begins nothing new
      press = null;
    }
    if (!start || start.id !== event.id) return [];
    if (was === "press") return [{ type: "click", at: start.at, negative: start.negative, kind: start.kind }];
    if (was === "pan" && !start.moved) return [{ type: "pick", at: start.at }];
    if (was === "draw") return [{ type: "stroke-end" }];
    if (was === "drag") return [{ type: "box", from: start.at, to: { x: event.x, y: event.y } }];
    return [];
  }

  /** The browser took the pointer away (a scroll, a call): nothing was meant. */
  function cancel(id) {
    pointers.delete(id);
    const dropped = DROPPED[mode] ?? [];
    if (pointers.size === 0) mode = "idle";
    press = null;
    return dropped;
  }

  /** To be called while a finger may be resting. */
  function tick(time) {
    if (mode !== "press" || press.kind !== "touch" || time - press.time < LONG_PRESS) return [];
    const action = { type: "click", at: press.at, negative: true, kind: "touch", long: true };
    mode = "spent";
    press = null;
    return [action];
  }

  return { down, move, up, cancel, tick, busy: () => mode !== "idle" };
}
