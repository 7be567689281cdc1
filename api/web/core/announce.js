/** Says something to readers who listen instead of look. */
import { share } from "./numbers.js";

const PAUSE_MS = 4_000;
let waiting = "";
let timer = 0;

/** Announce a text politely; of several in short time the last is said. */
export function announce(text) {
  waiting = text;
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    document.getElementById("announcer").textContent = waiting;
  }, document.getElementById("announcer").textContent ? PAUSE_MS : 0);
}

/** Announce a signal in words. */
export function announceSignal(signal) {
  announce(`${signal.symbol}: ${signal.side}, confidence ${share(signal.confidence)}`);
}
