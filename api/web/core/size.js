/** How large an element is, for pictures that are drawn in its pixels, so that their letters keep their size. */
import { useEffect, useState } from "./html.js";

/**
 * @param {{current: Element | null}} held Of `useRef`.
 * @returns {{width: number, height: number}} In pixels; 0 before the first drawing.
 */
export function useSize(held) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const follow = new ResizeObserver(([{ contentRect: { width, height } }]) => setSize({ width, height }));
    follow.observe(held.current);
    return () => follow.disconnect();
  }, []);
  return size;
}
