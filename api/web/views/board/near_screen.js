/** Which elements are on the screen, or soon will be: what is far away need not be asked for. */
import { useEffect, useState } from "../../core/html.js";

// A screen's height ahead, so that what is scrolled to is there already.
const AHEAD = "100% 0px";
const waiting = new Map();
const watch = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) waiting.get(target)?.();
}, { rootMargin: AHEAD });

/**
 * Return whether an element has come near the screen since it was first drawn.
 *
 * @param {{current: Element | null}} held Of `useRef`.
 */
export function useNearScreen(held) {
  const [near, setNear] = useState(false);
  const element = held.current;
  useEffect(() => {
    const drawn = held.current;
    if (near || !drawn) return undefined;
    waiting.set(drawn, () => setNear(true));
    watch.observe(drawn);
    return () => {
      waiting.delete(drawn);
      watch.unobserve(drawn);
    };
  }, [near, element]);
  return near;
}
