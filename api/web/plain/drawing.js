/**
 * Draws nodes of templates into the document, and changes there what differs when a view is drawn again.
 *
 * What is drawn of a node is `{node, parent, svg, inside, …}`: of an element or a text its `dom`; of a view or a list of
 * nodes an empty text, `end`, before which its parts stand, so that it can be drawn again by itself.
 */
import { element, giveAttributes, giveTyped } from "./elements.js";
import { called, endEffects, runEffects } from "./hooks.js";

const NOTHING = Symbol("nothing");
const TEXT = Symbol("text");
const LIST = Symbol("list");
const waiting = new Set();
let due = false;
let effects = [];

/** Draw a node into an element. */
export function render(node, dom) {
  const root = drawnOf(nodeOf([node]), null, false);
  dom.append(...domOf(root));
  settle();
}

/** Draw a view again, once all that changes in this turn has changed. */
function drawAgain(drawn) {
  if (drawn.gone) return;
  waiting.add(drawn);
  if (!due) queueMicrotask(drawWaiting);
  due = true;
}

function drawWaiting() {
  due = false;
  const focused = document.activeElement;
  // Outer ones first: they draw those within them too.
  const batch = [...waiting].sort((one, other) => one.depth - other.depth);
  for (const drawn of batch) if (waiting.has(drawn)) drawView(drawn);
  settle();
  // An element that was moved has lost it.
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

function settle() {
  const drawnNow = effects;
  effects = [];
  for (const drawn of drawnNow) if (!drawn.gone) guarded(drawn, () => runEffects(drawn));
}

function nodeOf(value) {
  if (value === null || value === undefined || typeof value === "boolean") return { type: NOTHING };
  if (Array.isArray(value)) return { type: LIST, props: { children: value } };
  return typeof value === "object" ? value : { type: TEXT, text: String(value) };
}

function drawnOf(node, parent, inPicture) {
  const svg = inPicture || node.type === "svg";
  const drawn = { node, parent, svg, depth: (parent?.depth ?? 0) + 1, inside: [], memories: [] };
  if (node.type === TEXT) drawn.dom = document.createTextNode(node.text);
  else if (typeof node.type === "string") {
    drawn.dom = element(node.type, svg);
    giveAttributes(drawn.dom, {}, node.props);
    fill(drawn);
  } else if (node.type !== NOTHING) {
    drawn.end = document.createTextNode("");
    new DocumentFragment().append(drawn.end);
    fill(drawn);
  }
  return drawn;
}

/** Draw a node in the place of the one before it, which is of the same type. */
function change(drawn, node) {
  const before = drawn.node;
  if (node === before) return;
  drawn.node = node;
  if (node.type === TEXT) {
    if (node.text !== before.text) drawn.dom.data = node.text;
  } else if (node.type !== NOTHING) {
    if (drawn.dom) giveAttributes(drawn.dom, before.props, node.props);
    fill(drawn);
  }
}

function fill(drawn) {
  const { type, props } = drawn.node;
  if (typeof type === "function") drawView(drawn);
  else drawInside(drawn, type === LIST || Array.isArray(props.children) ? props.children : [props.children]);
  if (!drawn.dom) return;
  giveTyped(drawn.dom, props);
  if (props.ref) props.ref.current = drawn.dom;
}

function drawView(drawn) {
  waiting.delete(drawn);
  guarded(drawn, () => {
    drawInside(drawn, [called(drawn, drawAgain)]);
    effects.push(drawn);
  });
}

/** Do something of a view; where it fails, the nearest view around it that takes errors gets the error. */
function guarded(drawn, work) {
  try {
    work();
  } catch (error) {
    drawInside(drawn, []);
    let around = drawn.parent;
    while (around && !around.boundary) around = around.parent;
    if (around) around.boundary(error);
    else reportError(error);
  }
}

function drawInside(drawn, values) {
  const left = new Set(drawn.inside);
  const known = new Map(drawn.inside.map((part, at) => [part.node.key ?? at, part]));
  drawn.inside = values.map(nodeOf).map((node, at) => {
    const old = known.get(node.key ?? at);
    if (old?.node.type !== node.type || old.node.key !== node.key || !left.delete(old)) return drawnOf(node, drawn, drawn.svg);
    change(old, node);
    return old;
  });
  left.forEach(takeAway);
  place(drawn);
}

/** Put the parts of what is drawn in their order; those that stand right are not touched. */
function place({ dom, end, inside }) {
  const around = dom ?? end.parentNode;
  let next = end ?? null;
  for (const part of inside.toReversed()) {
    const own = domOf(part);
    if (own.length === 0) continue;
    const last = own[own.length - 1];
    if (last.parentNode !== around || last.nextSibling !== next) own.forEach((each) => around.insertBefore(each, next));
    [next] = own;
  }
}

function domOf({ dom, end, inside }) {
  if (dom) return [dom];
  return end ? [...inside.flatMap(domOf), end] : [];
}

function takeAway(drawn) {
  forget(drawn);
  domOf(drawn).forEach((each) => each.remove());
}

function forget(drawn) {
  waiting.delete(drawn);
  drawn.gone = true;
  endEffects(drawn);
  if (drawn.node.props?.ref) drawn.node.props.ref.current = null;
  drawn.inside.forEach(forget);
}
