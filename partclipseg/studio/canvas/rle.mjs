// COCO run-length masks: the compact string that pycocotools writes, read in the browser.
//
// A mask of height h and width w is a list of run lengths that alternate between 0 and 1, start
// with 0 and go down the columns (column-major). The string packs each length, from the third on
// as the difference to the one two before it, in groups of five bits, low bits first.
// https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c (rleFrString)

const FIRST_CHARACTER = 48;
const MORE_BIT = 0x20;
const SIGN_BIT = 0x10;

/** Run lengths of a compressed COCO string. */
export function decodeCounts(text) {
  const counts = [];
  let position = 0;
  while (position < text.length) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      if (position >= text.length) throw new Error("the mask's run lengths end in the middle");
      const bits = text.charCodeAt(position) - FIRST_CHARACTER;
      value |= (bits & 0x1f) << shift;
      more = (bits & MORE_BIT) !== 0;
      position += 1;
      shift += 5;
      if (!more && bits & SIGN_BIT) value |= -1 << shift;
    }
    if (counts.length > 2) value += counts[counts.length - 2];
    counts.push(value);
  }
  return counts;
}

/** Calls visit(column, top, bottom) for every vertical run of ones; bottom is exclusive. */
export function forEachRun(counts, height, visit) {
  let start = 0;
  for (let i = 0; i < counts.length; i += 1) {
    const end = start + counts[i];
    if (i % 2 === 1) {
      let at = start;
      while (at < end) {
        const column = Math.floor(at / height);
        const stop = Math.min(end, (column + 1) * height);
        visit(column, at - column * height, stop - column * height);
        at = stop;
      }
    }
    start = end;
  }
}

/** The compressed COCO string of run lengths: the inverse of decodeCounts. */
export function encodeCounts(counts) {
  let text = "";
  for (let index = 0; index < counts.length; index += 1) {
    let value = index > 2 ? counts[index] - counts[index - 2] : counts[index];
    let more = true;
    while (more) {
      let bits = value & 0x1f;
      value >>= 5;
      more = bits & SIGN_BIT ? value !== -1 : value !== 0;
      if (more) bits |= MORE_BIT;
      text += String.fromCharCode(bits + FIRST_CHARACTER);
    }
  }
  return text;
}

/** Run lengths of a bitmap (0 or 1, row by row). */
export function countsOf(bitmap, width, height) {
  const counts = [];
  let value = 0;
  let length = 0;
  for (let column = 0; column < width; column += 1) {
    for (let row = 0, at = column; row < height; row += 1, at += width) {
      if (bitmap[at] !== value) {
        counts.push(length);
        length = 0;
        value = bitmap[at];
      }
      length += 1;
    }
  }
  counts.push(length);
  return counts;
}

/** Sets the ones of run lengths in a bitmap (row by row). */
export function fillRuns(bitmap, counts, width, height) {
  forEachRun(counts, height, (column, top, bottom) => {
    for (let row = top, at = top * width + column; row < bottom; row += 1, at += width) bitmap[at] = 1;
  });
  return bitmap;
}
