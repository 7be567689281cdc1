/** Elements of the document and what they are given: attributes, listeners, and what people type into them. */

const SVG = "http://www.w3.org/2000/svg";
// What "false" is a word of; of others it means that the attribute is not there.
const SAYS_FALSE = /^(aria-|data-|spellcheck$)/;
// The reader changes these in the element itself.
const TYPED = ["value", "checked"];
const NO_ATTRIBUTES = ["children", "ref"];

/** Return a new element without anything in it; `svg` says whether it is part of a picture. */
export function element(type, svg) {
  return svg ? document.createElementNS(SVG, type) : document.createElement(type);
}

/** Give an element its attributes and listeners, in the place of those before. */
export function giveAttributes(dom, before, after) {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (NO_ATTRIBUTES.includes(name) || isTyped(dom, name) || before[name] === after[name]) continue;
    if (name.startsWith("on")) giveListener(dom, name.slice(2).toLowerCase(), before[name], after[name]);
    else giveAttribute(dom, name, after[name]);
  }
}

/** Set what the reader can change too; after what is inside, since a choice is one of the options. */
export function giveTyped(dom, props) {
  for (const name of TYPED) {
    const value = props[name] ?? "";
    if (name in props && isTyped(dom, name) && dom[name] !== value) dom[name] = value;
  }
}

// The value of an option is none that the reader changes.
function isTyped(dom, name) {
  return TYPED.includes(name) && dom.localName !== "option";
}

function giveListener(dom, event, before, after) {
  if (before) dom.removeEventListener(event, before);
  if (after) dom.addEventListener(event, after);
}

function giveAttribute(dom, name, value) {
  if (value === null || value === undefined || (value === false && !SAYS_FALSE.test(name))) dom.removeAttribute(name);
  else dom.setAttribute(name, value === true && !SAYS_FALSE.test(name) ? "" : value);
}
