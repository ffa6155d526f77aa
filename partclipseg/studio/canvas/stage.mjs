// The canvas as a thing to touch: where the photo lies, what the pointer and the keys mean on it.

import { BRUSH, createPad } from "./brush.mjs";
import { createGestures, LONG_PRESS } from "./gestures.mjs";
import { createPainter, MARK_RADIUS } from "./painter.mjs";
import { EMPTY, markAt } from "./prompts.mjs";
import { boxBetween, clampView, fitView, insidePhoto, toPhoto, toScreen, zoomView } from "./view.mjs";

const KEY_STEP = 1 / 40;
const KEY_MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param canvas the canvas element; its parent is the room it has
 * @param on {click(x, y, negative), box(area), stroke(mask), remove(mark), pick(layer),
 *   hover(layer, screenPoint)}
 */
export function createStage(canvas, on) {
  const context = canvas.getContext("2d");
  const painter = createPainter();
  const gestures = createGestures();
  const scene = {
    box: { width: 0, height: 0 }, ratio: 1, photo: null, view: { scale: 1, x: 0, y: 0 },
    prompts: EMPTY, opacity: 0.55, hidden: false, names: true, dragging: null, lit: null, cursor: null,
    brush: { tool: "click", size: BRUSH.usual }, ring: null, chosen: new Set(), compare: null,
    large: false,
    font: getComputedStyle(canvas).fontFamily,
  };
  let fitted = scene.view;
  let pad = null;
  let stroke = null;
  let frame = 0;
  let resting = 0;
  let origin = { left: 0, top: 0 };

  function redraw() {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      painter.draw(context, scene);
    });
  }

  function measure() {
    const room = canvas.parentElement.getBoundingClientRect();
    if (room.width === 0 || room.height === 0) return;
    const before = scene.box;
    const centre = scene.photo && before.width > 0
      ? toPhoto(scene.view, { x: before.width / 2, y: before.height / 2 })
      : null;
    const zoom = scene.view.scale / fitted.scale;
    scene.box = { width: room.width, height: room.height };
    scene.ratio = Math.min(window.devicePixelRatio || 1, 2.5);
    canvas.width = Math.round(room.width * scene.ratio);
    canvas.height = Math.round(room.height * scene.ratio);
    if (scene.photo) {
      fitted = fitView(scene.photo, scene.box);
      if (centre && zoom > 1.001) {
        const scale = fitted.scale * zoom;
        place({
          scale,
          x: scene.box.width / 2 - centre.x * scale,
          y: scene.box.height / 2 - centre.y * scale,
        });
      } else scene.view = fitted;
    }
    painter.draw(context, scene);
  }

  function place(view) {
    scene.view = clampView(view, scene.photo, scene.box);
    redraw();
  }

  function zoom(factor, at = { x: scene.box.width / 2, y: scene.box.height / 2 }) {
    if (scene.photo) place(zoomView(scene.view, factor, at, fitted));
  }

  function act(action) {
    if (action.type === "click") return click(action);
    if (action.type === "pick") return on.pick(layerUnder(action.at));
    if (action.type === "box-move") {
      scene.dragging = areaOf(action);
    } else if (action.type === "box") {
      scene.dragging = null;
      const area = areaOf(action);
      if (area[2] - area[0] >= 1 && area[3] - area[1] >= 1) on.box(area);
    } else if (action.type === "box-cancel") {
      scene.dragging = null;
    } else if (action.type.startsWith("stroke")) {
      draw(action);
    } else if (action.type === "pan") {
      place({ ...scene.view, x: scene.view.x + action.dx, y: scene.view.y + action.dy });
    } else if (action.type === "zoom") {
      zoom(action.factor, action.at);
    }
    return redraw();
  }

  function areaOf(action) {
    return boxBetween(scene.photo, toPhoto(scene.view, action.from), toPhoto(scene.view, action.to));
  }

  function draw(action) {
    if (action.type === "stroke-begin") {
      const erasing = (scene.brush.tool === "eraser") !== action.negative;
      stroke = { value: erasing ? 0 : 1 };
      line(action.at, action.at);
    } else if (action.type === "stroke") {
      line(action.from, action.to);
    } else {
      stroke = null;
      if (action.type === "stroke-end") on.stroke(pad.mask());
      else showMask(scene.prompts.mask);
    }
  }

  function line(from, to) {
    scene.ring = to;
    const grid = pad.width / scene.photo.width;
    const onPad = (at) => {
      const point = toPhoto(scene.view, at);
      return { x: point.x * grid, y: point.y * pad.height / scene.photo.height };
    };
    const radius = scene.brush.size / 2 / scene.view.scale * grid;
    const changed = pad.line(onPad(from), onPad(to), radius, stroke.value);
    if (changed) painter.paint(pad, changed);
  }

  function showMask(mask) {
    if (pad?.load(mask)) painter.paint(pad, pad.whole);
  }

  function click({ at, negative, kind }) {
    const radius = kind === "touch" ? MARK_RADIUS + 5 : MARK_RADIUS + 1;
    const mark = markAt(scene.prompts, at, (point) => toScreen(scene.view, point), radius);
    if (mark) return on.remove(mark);
    const point = toPhoto(scene.view, at);
    if (insidePhoto(scene.photo, point)) on.click(point.x, point.y, negative);
  }

  function layerUnder(at) {
    const point = toPhoto(scene.view, at);
    if (scene.hidden || !insidePhoto(scene.photo, point)) return null;
    return painter.layerAt(point.x / scene.photo.width, point.y / scene.photo.height);
  }

  const local = (event) => ({ x: event.clientX - origin.left, y: event.clientY - origin.top });

  function describe(event) {
    return {
      ...local(event), id: event.pointerId, kind: event.pointerType || "mouse",
      negative: event.button === 2 || event.altKey || event.ctrlKey,
      pan: event.button === 1 || event.shiftKey, draw: scene.brush.tool !== "click",
      time: performance.now(),
    };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!scene.photo) return;
    const { left, top } = canvas.getBoundingClientRect();
    origin = { left, top };
    const told = describe(event);
    const onMark = markAt(scene.prompts, told, (point) => toScreen(scene.view, point), MARK_RADIUS + 5);
    if (!told.pan && !onMark && !insidePhoto(scene.photo, toPhoto(scene.view, told))) return;
    canvas.setPointerCapture(event.pointerId);
    scene.cursor = null;
    gestures.down(told).forEach(act);
    if (told.kind === "touch") {
      clearTimeout(resting);
      resting = setTimeout(() => {
        const actions = gestures.tick(performance.now());
        if (actions.length > 0) navigator.vibrate?.(15);
        actions.forEach(act);
      }, LONG_PRESS + 10);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!scene.photo) return;
    if (gestures.busy()) return gestures.move(describe(event)).forEach(act);
    const { left, top } = canvas.getBoundingClientRect();
    origin = { left, top };
    const point = toPhoto(scene.view, local(event));
    const inside = insidePhoto(scene.photo, point);
    canvas.classList.toggle("pcs-canvas--outside", !inside);
    const painting = scene.brush.tool !== "click";
    scene.ring = painting && inside && event.pointerType !== "touch" ? local(event) : null;
    if (painting) redraw();
    on.hover(painting ? null : layerUnder(local(event)), local(event));
  });
  canvas.addEventListener("pointerup", (event) => {
    clearTimeout(resting);
    gestures.up(describe(event)).forEach(act);
    if (event.pointerType === "touch") scene.ring = null;
  });
  canvas.addEventListener("pointercancel", (event) => {
    clearTimeout(resting);
    gestures.cancel(event.pointerId).forEach(act);
  });
  canvas.addEventListener("pointerleave", () => {
    scene.ring = null;
    on.hover(null);
    redraw();
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    if (!scene.photo) return;
    event.preventDefault();
    const { left, top } = canvas.getBoundingClientRect();
    const pixels = event.deltaMode === 0 ? event.deltaY : event.deltaY * 16;
    zoom(Math.exp(-pixels / 400), { x: event.clientX - left, y: event.clientY - top });
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (!scene.photo) return;
    const move = KEY_MOVES[event.key];
    if (move) {
      const { width, height } = scene.photo;
      const step = Math.max(width, height) * (event.shiftKey ? KEY_STEP / 8 : KEY_STEP);
      const from = scene.cursor ?? { x: width / 2, y: height / 2 };
      scene.cursor = {
        x: Math.min(Math.max(from.x + move[0] * step, 0.5), width - 0.5),
        y: Math.min(Math.max(from.y + move[1] * step, 0.5), height - 0.5),
      };
    } else if (event.key === "Enter" && scene.cursor) {
      click({ at: toScreen(scene.view, scene.cursor), negative: event.shiftKey || event.altKey, kind: "mouse" });
    } else return;
    event.preventDefault();
    redraw();
  });
  canvas.addEventListener("blur", () => {
    scene.cursor = null;
    redraw();
  });

  new ResizeObserver(measure).observe(canvas.parentElement);
  measure();

  return {
    /** photo: {image, width, height, grid}: pixels as uploaded (image may be smaller), masks [h, w] */
    setPhoto(photo) {
      scene.photo = photo;
      scene.cursor = null;
      pad = photo ? createPad(photo.grid) : null;
      stroke = null;
      painter.paint(null);
      painter.setLayers([]);
      scene.view = { scale: 1, x: 0, y: 0 };
      fitted = scene.view;
      if (photo) fitted = scene.view = fitView(photo, scene.box);
      redraw();
    },
    setLayers(layers) {
      scene.lit = null;
      painter.setLayers(layers, scene.chosen);
      redraw();
    },
    set(values) {
      Object.assign(scene, values);
      if (values.prompts && !stroke) showMask(values.prompts.mask);
      if (values.brush) canvas.classList.toggle("pcs-canvas--brush", values.brush.tool !== "click");
      redraw();
    },
    /** Makes one layer stand out, as long as the pointer is on it. */
    light(id) {
      if (scene.lit === id) return;
      scene.lit = id;
      painter.colour(id, scene.chosen);
      redraw();
    },
    /** Marks layers as chosen. ids: a Set */
    choose(ids) {
      scene.chosen = ids;
      painter.colour(scene.lit, ids);
      redraw();
    },
    zoom,
    fit() {
      if (scene.photo) place(fitted);
    },
    /** For tests and for the tooltip: where a photo point is shown, in client coordinates. */
    clientPoint(x, y) {
      const { left, top } = canvas.getBoundingClientRect();
      const at = toScreen(scene.view, { x, y });
      return { x: left + at.x, y: top + at.y };
    },
  };
}
