/** Templates in the language of htm, `<${Card} symbol=${name}>…<//>`, read once each and then filled with values. */

// Stands for a value in the text of a template; a character that no template holds.
const HOLE = "\0";
const NAME = /[^\s/>=]+/y;
const BARE = new RegExp(`${HOLE}|(?:[^\\s>/]|/(?!>))+`, "y");
const read = new WeakMap();

/** Return the node of a template, an array of several, or undefined of none. A node is `{type, key, props}`. */
export function html(strings, ...values) {
  if (!read.has(strings)) read.set(strings, parse(strings.join(HOLE)));
  const nodes = read.get(strings).map((part) => filled(part, values));
  return nodes.length > 1 ? nodes : nodes[0];
}

/** Return the parts of a template: texts, numbers of values, and elements `{type, given, inside}`. */
function parse(text) {
  const root = { inside: [] };
  const open = [root];
  let at = 0;
  let holes = 0;
  const last = () => open[open.length - 1];
  const holed = (piece) => (piece === HOLE ? holes++ : piece);
  const matched = (pattern) => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text);
    at += found.length;
    return found;
  };

  while (at < text.length) {
    const begin = text.indexOf("<", at);
    const end = begin < 0 ? text.length : begin;
    last().inside.push(...pieces(text.slice(at, end)).map(holed));
    at = end + 1;
    if (begin < 0) break;
    if (text[at] === "/") {
      open.pop();
      at = text.indexOf(">", at) + 1;
    } else {
      const element = { type: holed(matched(NAME)), given: [], inside: [] };
      last().inside.push(element);
      if (!closes(element.given)) open.push(element);
    }
  }
  return root.inside;

  /** Read what an element is given; return whether it ends there. */
  function closes(given) {
    for (;;) {
      matched(/\s*/y);
      if (text.startsWith("/>", at)) {
        at += 2;
        return true;
      }
      if (text[at] === ">") {
        at += 1;
        return false;
      }
      if (text.startsWith(`...${HOLE}`, at)) {
        at += 4;
        given.push({ all: holes++ });
      } else given.push({ name: matched(NAME), parts: value() });
    }
  }

  function value() {
    if (text[at] !== "=") return [true];
    at += 1;
    const quote = text[at];
    if (quote !== '"' && quote !== "'") return [holed(matched(BARE))];
    const end = text.indexOf(quote, at + 1);
    const within = text.slice(at + 1, end);
    at = end + 1;
    return within ? split(within).map(holed) : [""];
  }
}

/** Return a text between tags as pieces, without the space of line breaks. */
function pieces(text) {
  return split(text).map((piece) => (piece === HOLE ? piece : piece.replace(/^\s*\n\s*|\s*\n\s*$/g, ""))).filter(Boolean);
}

const split = (text) => text.split(new RegExp(`(${HOLE})`)).filter(Boolean);

function filled(part, values) {
  if (typeof part !== "object") return valueOf(part, values);
  const { key, ...props } = Object.assign({}, ...part.given.map((one) => given(one, values)));
  const children = part.inside.map((child) => filled(child, values));
  if (children.length) props.children = children.length > 1 ? children : children[0];
  return { type: valueOf(part.type, values), key, props };
}

function given({ all, name, parts }, values) {
  if (all !== undefined) return values[all];
  const [first, ...more] = parts.map((part) => valueOf(part, values));
  return { [name]: more.length ? [first, ...more].join("") : first };
}

const valueOf = (part, values) => (typeof part === "number" ? values[part] : part);
