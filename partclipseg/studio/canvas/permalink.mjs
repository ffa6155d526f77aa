// What is on screen as a link, and back. Pure. What a link holds is a stranger's: every value is
// checked, what does not fit is left out, and nothing of it is ever run.

const LONGEST_TEXT = 4000;
const MOST_POINTS = 200;
const MOST_BOXES = 50;
const NUMBER = /^\d{1,6}(\.\d{1,3})?$/;
const FINDS = { words: "text", everything: "everything", nothing: null };
const LINK_GRAINS = ["whole", "part", "subpart"];

/** A value in an address; what may stand there as it is does. Half characters have no code. */
function readably(value) {
  const coded = encodeURIComponent(value.replace(/\p{Surrogate}/gu, "\ufffd"));
  return coded.replaceAll("%20", "+").replaceAll("%2C", ",").replaceAll("%3A", ":");
}

const tenth = (value) => String(Math.round(value * 10) / 10);

/**
 * @param view {example, text, words: {kind, text} or null, points: [{x, y, label}],
 *   boxes: [[x0, y0, x1, y1]], grain, threshold}; text is what stands in the box
 * @returns the query string, with its "?"
 */
export function encodeLink({ example, text, words, points, boxes, grain, threshold }) {
  const typed = words?.kind === "text" ? words.text : text;
  const find = Object.keys(FINDS).find((name) => FINDS[name] === (words?.kind ?? null));
  const fields = [
    ["example", example],
    ...(typed ? [["words", typed.slice(0, LONGEST_TEXT)]] : []),
    ...(find === "words" ? [] : [["find", find]]),
    ...points.map(({ x, y, label }) => ["point", [tenth(x), tenth(y), label].join(",")]),
    ...boxes.map((box) => ["box", box.map(tenth).join(",")]),
    ...(grain ? [["size", grain]] : []),
    ...(threshold > 0 ? [["sure", String(Math.round(100 * threshold))]] : []),
  ];
  return `?${fields.map(([name, value]) => `${name}=${readably(value)}`).join("&")}`;
}

/**
 * @param search the address's query string
 * @param examples ids
 * @returns null where it is no link of ours; else {example: id or null, bare, text, words, points,
 *   boxes, grain, threshold, ignored}: bare where it names the example alone, ignored where
 *   something of it could not be used
 */
export function decodeLink(search, examples) {
  const given = new URLSearchParams(search);
  if (!given.has("example")) return null;
  let ignored = false;
  const use = (value, right, instead) => {
    if (right) return value;
    ignored = true;
    return instead;
  };
  const one = (name, right, instead) => (given.has(name) ? use(given.get(name), right(given.get(name)), instead) : instead);
  const rows = (name, count, most, right) => {
    const all = given.getAll(name).map((row) => row.split(","));
    const good = all.filter((row) => row.length === count && row.every((number) => NUMBER.test(number)))
      .map((row) => row.map(Number)).filter(right);
    return use(good.slice(0, most), good.length === all.length && good.length <= most, good.slice(0, most));
  };
  const example = one("example", (id) => examples.includes(id), null);
  const text = one("words", (words) => words.length <= LONGEST_TEXT, "").trim();
  const find = one("find", (name) => Object.hasOwn(FINDS, name), text ? "words" : "nothing");
  const kind = find === "words" && !text ? null : FINDS[find];
  const points = rows("point", 3, MOST_POINTS, (row) => row[2] === 0 || row[2] === 1);
  const boxes = rows("box", 4, MOST_BOXES, ([x0, y0, x1, y1]) => x0 < x1 && y0 < y1);
  const grain = one("size", (name) => LINK_GRAINS.includes(name), "");
  const sure = Number(one("sure", (number) => /^\d{1,2}$/.test(number), "0"));
  return {
    example, text, words: kind ? { kind, text: kind === "text" ? text : "" } : null,
    points: points.map(([x, y, label]) => ({ x, y, label })), boxes, grain, threshold: sure / 100, ignored,
    bare: !["words", "find", "point", "box"].some((name) => given.has(name)),
  };
}

/** The link without what lies outside of its photo, of which its writer may have had another size. */
export function fitLink(link, { width, height }) {
  const points = link.points.filter(({ x, y }) => x < width && y < height);
  const boxes = link.boxes.filter(([, , x1, y1]) => x1 <= width && y1 <= height);
  const lost = points.length < link.points.length || boxes.length < link.boxes.length;
  return { ...link, points, boxes, ignored: link.ignored || lost };
}
