/** The newest signal of each symbol, for views that are opened after it was broadcast. */
import { useEffect } from "./html.js";
import { useResource } from "./resource.js";
import { signalOf } from "./signals.js";
import { keepSignal } from "./socket.js";

const EVERY_MS = 5 * 60_000;

/** Bring the newest signals into the store; return the resource that they come from. */
export function useNewestSignals() {
  const newest = useResource("ai/signals", { everyMs: EVERY_MS });
  useEffect(() => newest.data?.signals.forEach((signal) => keepSignal(signalOf(signal))), [newest.data]);
  return newest;
}
