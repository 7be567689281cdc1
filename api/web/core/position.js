/** Where a reader was on a page of the history: going back leads there, and a link to the top. */
import { useEffect } from "./html.js";

const KEEP_AFTER_MS = 150;
let arrived = position();
let opened = false;

function position() {
  return history.state?.scrolled ?? 0;
}

/** Keep in the history how far each of its pages is scrolled. */
export function keepPositions() {
  // The browser would do it before there is anything to scroll.
  history.scrollRestoration = "manual";
  let timer = 0;
  addEventListener("popstate", () => {
    clearTimeout(timer);
    arrived = position();
  });
  addEventListener("scroll", () => {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState({ ...history.state, scrolled: scrollY }, ""), KEEP_AFTER_MS);
  }, { passive: true });
}

/**
 * Go to where the reader was once a view is drawn, with the focus in it if what had the focus is gone.
 *
 * @param {unknown} drawn Null until it is.
 */
export function useArrival(drawn) {
  useEffect(() => {
    if (!drawn) return;
    scrollTo(0, arrived);
    arrived = 0;
    if (opened && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
    opened = true;
  }, [drawn]);
}
