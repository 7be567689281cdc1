/** The newest signal of each symbol, for views that are opened after it was broadcast. */
import { useEffect } from "./html.js";
import { useResource } from "./resource.js";
import { signalOf } from "./signals.js";
import { keepSignal } from "./socket.js";
import { useTopic, write } from "./store.js";

const EVERY_MS = 5 * 60_000;
const EVERY_MS_WITHOUT_SOCKET = 30_000;

/** Bring the newest signals into the store; return the resource that they come from. */
export function useNewestSignals() {
  const { state } = useTopic("socket", { state: "connecting" });
  // Asked again when the socket opens, the first time too: what was broadcast before is not sent again.
  const newest = useResource("ai/signals", { everyMs: state === "open" ? EVERY_MS : EVERY_MS_WITHOUT_SOCKET });
  useEffect(() => newest.data?.signals.forEach((signal) => keepSignal(signalOf(signal))), [newest.data]);
  // A browser does not tell why a socket is refused; this route asks for the same token.
  useEffect(() => write("refused", newest.problem?.status === 401), [newest.problem]);
  return newest;
}
