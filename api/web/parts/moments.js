/** Moments, ages and countdowns that keep themselves up to date. */
import { html } from "../core/html.js";
import { useTopic } from "../core/store.js";
import { age, epoch, span, stamp, useDerivedFromTime } from "../core/times.js";

/** A moment as date and time in the reader's zone, with the other zone as its tooltip. */
export function Moment({ at, seconds = false }) {
  const zone = useTopic("zone", "local");
  if (epoch(at) === null) return "–";
  return html`<time datetime=${new Date(epoch(at)).toISOString()} title=${stamp(at, zone === "utc" ? "local" : "utc", true)}>
    ${stamp(at, zone, seconds)}
  </time>`;
}

/** How long ago a moment is; a moment ahead as "in 3 min". */
export function Age({ at }) {
  const text = useDerivedFromTime((now) => (epoch(at) === null ? "never" : age(at, now)));
  if (epoch(at) === null) return text;
  return html`<time datetime=${new Date(epoch(at)).toISOString()} title=${stamp(at, undefined, true)}>${text}</time>`;
}

/** The time that is left until a moment, said after "in". */
export function Countdown({ until }) {
  const text = useDerivedFromTime((now) => (epoch(until) > now ? span(epoch(until) - now) : "a moment"));
  return html`<span class="figure">${text}</span>`;
}
