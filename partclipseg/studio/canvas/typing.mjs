// The text around the cursor: which name is being typed, and putting a whole one in its place.

const LAST_NAME = /[^,;:\n，、،；؛：]*$/;
const LEAD = /^\s*[-−]?\s*"?/; // what stands before the letters of a name
const NEEDS_QUOTES = /[,;:\n"，、،；؛：]/;

/** The name that ends at the cursor: {from, begun}, `from` where its letters begin. */
export function nameAt(text, caret) {
  const [tail] = LAST_NAME.exec(text.slice(0, caret));
  const [lead] = LEAD.exec(tail);
  return { from: caret - tail.length + lead.length, begun: tail.slice(lead.length) };
}

/** The text with a whole name in place of the one begun, and where the cursor then stands. */
export function completeName(text, caret, name) {
  const { from } = nameAt(text, caret);
  const before = text.slice(0, from);
  const quoted = before.endsWith('"');
  const whole = !quoted && NEEDS_QUOTES.test(name) ? `"${name.replaceAll('"', "")}"` : name + (quoted ? '"' : "");
  // what follows up to the next separator was part of the name begun
  const [rest] = /^[^,;:\n，、،；؛：]*/.exec(text.slice(caret));
  return { text: before + whole + text.slice(caret + rest.length), caret: from + whole.length };
}
