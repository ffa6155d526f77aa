// The few helpers with which the page is built. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** el("button", {class: "x", onclick: f, disabled: true}, "text", child) */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An icon of the sprite in the template. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "pcs-icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#pcs-${name}`);
  svg.append(use);
  return svg;
}

/** Every element of the template that carries data-ref, by that name. */
export function references(root) {
  const found = {};
  for (const node of root.querySelectorAll("[data-ref]")) found[node.dataset.ref] = node;
  return found;
}

/** A function that gives a string of the current table by its key, with {named} values filled in. */
export function translator(table) {
  return (key, values = {}) =>
    (table()[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Puts strings where the template asks for them: data-text, data-title, data-label, data-hint. */
export function translate(root, t) {
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of root.querySelectorAll("[data-title]")) node.title = t(node.dataset.title);
  for (const node of root.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", t(node.dataset.label));
    if (node.matches("button, label")) node.title = t(node.dataset.label);
  }
  for (const node of root.querySelectorAll("[data-hint]")) {
    node.setAttribute("placeholder", t(node.dataset.hint));
  }
}

/** Shows one sentence in a place kept for it, or hides the place. */
export function say(node, sentence) {
  node.textContent = sentence || "";
  node.hidden = !sentence;
}
