/** Says something to readers who listen instead of look. */
import { share } from "./numbers.js";

const PAUSE_MS = 4_000;
let waiting = null;
let saidAt = -PAUSE_MS;

/** Say politely, and at once, what the reader has just asked for. */
export function announce(text) {
  saidAt = performance.now();
  document.getElementById("announcer").textContent = text;
}

/** Say politely what a market turned to; of several in short time the last is said. */
export function announceSignal(signal) {
  const begun = waiting !== null;
  waiting = signal;
  if (!begun) setTimeout(sayWaiting, saidAt + PAUSE_MS - performance.now());
}

function sayWaiting() {
  announce(`${waiting.symbol}: ${waiting.side}, confidence ${share(waiting.confidence)}`);
  waiting = null;
}
