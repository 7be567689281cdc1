/** What is shown stands in the address: `#/symbol/BTCUSDT?timeframe=4h`. So it can be kept, sent, and gone back to. */
import { useEffect, useState } from "./html.js";

/** Return the place that the address names: view, what it is about, and parameters. */
export function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/").map(decoded);
  return { view: view || "board", subject: rest.join("/") || null, parameters: Object.fromEntries(new URLSearchParams(query)) };
}

// An address that was cut off or typed may end within an escape.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Return the link to a place. */
export function link(view, subject = null, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  return `#/${view}${subject ? `/${encodeURIComponent(subject)}` : ""}${query}`;
}

/** Change parameters of the place that is shown, without a step in the history; null takes one away. */
export function adjust(changes) {
  const { view, subject, parameters } = place();
  history.replaceState(history.state, "", link(view, subject, { ...parameters, ...changes }));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Return the place inside a view, which is drawn again when it changes. */
export function usePlace() {
  const [current, setCurrent] = useState(place);
  useEffect(() => {
    const update = () => setCurrent(place());
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return current;
}
