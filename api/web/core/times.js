/** Times: one clock for the whole page, ages, countdowns, and moments in local time and UTC. */
import { useEffect, useRef, useState } from "./html.js";
import { read, subscribe, useTopic, write } from "./store.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Words are those of the page, which is in English; dates and numbers are written as the reader's browser does.
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

const TOLERATED_MS = 3 * SECOND;
let ahead = 0;

/** Return the time in epoch ms by the service's clock, which decides what is old; a browser's may be wrong by hours. */
export function now() {
  return Date.now() + ahead;
}

/** Take over the service's clock from an answer that has just come. */
export function hearTime(moment) {
  const difference = epoch(moment) - Date.now();
  if (Math.abs(difference - ahead) > TOLERATED_MS) ahead = difference;
}

/** Start the page's clock. */
export function startClock() {
  const tick = () => write("clock", now());
  tick();
  setInterval(tick, SECOND);
}

/** Return the time in epoch ms inside a view, which is drawn again each second. */
export function useNow() {
  return useTopic("clock", now());
}

/**
 * Return what `derive` makes of the time in epoch ms; the view is drawn again only when that is another value, so that
 * hundreds of ages cost little as long as their words stay the same.
 *
 * @template Value
 * @param {(now: number) => Value} derive Gives a text, a number or a truth value.
 * @returns {Value}
 */
export function useDerivedFromTime(derive) {
  const value = derive(read("clock", now()));
  const shown = useRef(null);
  shown.current = { derive, value };
  const [, drawAgain] = useState(0);
  useEffect(() => subscribe("clock", () => {
    if (!Object.is(shown.current.derive(read("clock")), shown.current.value)) drawAgain((times) => times + 1);
  }), []);
  return value;
}

/** Return epoch ms of what the API gives: epoch ms, or an ISO time. */
export function epoch(moment) {
  if (moment === null || moment === undefined) return null;
  return typeof moment === "number" ? moment : Date.parse(moment);
}

/** Return how long ago a moment is, as "3 min ago"; a moment ahead as "in 3 min". */
export function age(moment, now) {
  const distance = epoch(moment) - now;
  const size = Math.abs(distance);
  if (size < MINUTE) return relative.format(Math.trunc(distance / SECOND), "second");
  if (size < HOUR) return relative.format(Math.trunc(distance / MINUTE), "minute");
  if (size < 2 * DAY) return relative.format(Math.trunc(distance / HOUR), "hour");
  return relative.format(Math.trunc(distance / DAY), "day");
}

/** Return a span as minutes and seconds, hours, minutes and seconds, or days and hours: 4:05, 1:02:03, 6 d 8 h. */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / SECOND));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part) => String(part).padStart(2, "0");
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Return the short name of the reader's own zone, such as CET or GMT+2. */
export function localZone(now = Date.now()) {
  const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(now);
  return parts.find(({ type }) => type === "timeZoneName").value;
}

/** Return a moment as date and time, in the zone that the reader chose: "local" or "utc". */
export function stamp(moment, zone = read("zone", "local"), seconds = false) {
  const time = epoch(moment);
  if (time === null || Number.isNaN(time)) return "–";
  const text = new Intl.DateTimeFormat(undefined, {
    dateStyle: "medium", timeStyle: seconds ? "medium" : "short", ...(zone === "utc" ? { timeZone: "UTC" } : {}),
  }).format(time);
  return zone === "utc" ? `${text} UTC` : text;
}
