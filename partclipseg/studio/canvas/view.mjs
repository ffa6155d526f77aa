// Where the photo lies on the screen. The only place that turns photo pixels into screen pixels.
//
// A view is {scale, x, y}: a point of the photo (px, py) is shown at (x + px * scale,
// y + py * scale), in CSS pixels of the canvas. Photo coordinates are edges: (0, 0) is the outer
// corner of the first pixel and (width, height) that of the last one.

export const MAX_ZOOM = 24;

/** The view that shows the whole photo, centred, at most `enlarge` times its own size. */
export function fitView(photo, box, enlarge = 8) {
  const scale = Math.min(
    box.width / photo.width,
    box.height / photo.height,
    enlarge,
  );
  const safe = Math.max(scale, 1e-6);
  return {
    scale: safe,
    x: (box.width - photo.width * safe) / 2,
    y: (box.height - photo.height * safe) / 2,
  };
}

export function toPhoto(view, point) {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

export function toScreen(view, point) {
  return { x: view.x + point.x * view.scale, y: view.y + point.y * view.scale };
}

export function insidePhoto(photo, point) {
  return point.x >= 0 && point.y >= 0 && point.x < photo.width && point.y < photo.height;
}

/** The view scaled by `factor` with the photo's point under `at` staying where it is. */
export function zoomView(view, factor, at, fitted) {
  const scale = Math.min(Math.max(view.scale * factor, fitted.scale), fitted.scale * MAX_ZOOM);
  const ratio = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

/** The view moved so that a photo larger than the box covers it and a smaller one stays centred. */
export function clampView(view, photo, box) {
  const clamp = (offset, size, room) =>
    size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, offset));
  return {
    scale: view.scale,
    x: clamp(view.x, photo.width * view.scale, box.width),
    y: clamp(view.y, photo.height * view.scale, box.height),
  };
}

/** A box from two corners, inside the photo, as [x0, y0, x1, y1] with x0 < x1 and y0 < y1. */
export function boxBetween(photo, a, b) {
  const clampX = (value) => Math.min(Math.max(value, 0), photo.width);
  const clampY = (value) => Math.min(Math.max(value, 0), photo.height);
  return [
    clampX(Math.min(a.x, b.x)),
    clampY(Math.min(a.y, b.y)),
    clampX(Math.max(a.x, b.x)),
    clampY(Math.max(a.y, b.y)),
  ];
}
