/**
 * The one store of the page: topics with a value each, and subscribers that are told once a frame.
 *
 * Topics are `socket`, `events`, `token`, `admin` (whether the token is the administrator's), `expired` (whether the service
 * has stopped taking it), `refused` (whether signals need one), `theme`, `clock` and `signal:SYMBOL`. A card that shows one
 * symbol listens to its topic alone, so that hundreds of symbols can change many times a second.
 */
import { useEffect, useState } from "./html.js";

const values = new Map();
const listeners = new Map();
const changed = new Set();
let frame = 0;

/** Return the value of a topic, or `fallback` before it has one. */
export function read(topic, fallback = null) {
  return values.has(topic) ? values.get(topic) : fallback;
}

/** Set the value of a topic; subscribers are told in the next frame. */
export function write(topic, value) {
  if (Object.is(values.get(topic), value)) return;
  values.set(topic, value);
  changed.add(topic);
  // Frames do not come while the page is hidden, and must not pile up either.
  if (!frame) frame = requestAnimationFrame(tell);
}

/** Call `listener` when the topic has changed; return the function that ends it. */
export function subscribe(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  return () => listeners.get(topic).delete(listener);
}

/** Return the value of a topic inside a view, and draw the view again when it changes. */
export function useTopic(topic, fallback = null) {
  const [value, setValue] = useState(() => read(topic, fallback));
  useEffect(() => {
    const update = () => setValue(() => read(topic, fallback));
    update();
    return subscribe(topic, update);
  }, [topic]);
  return value;
}

function tell() {
  frame = 0;
  const topics = [...changed];
  changed.clear();
  for (const topic of topics) for (const listener of listeners.get(topic) ?? []) listener();
}
