/** Parts of a long list that keep themselves up to date: a list that is drawn again moves them, and draws none of them again. */
import { useRef } from "../../core/html.js";

/**
 * Return one node for each name, the same one each time.
 *
 * @param {string[]} names
 * @param {(name: string) => object} draw Gives a node, with the name as its key, that depends on the name alone.
 */
export function useDrawnOnce(names, draw) {
  const drawn = useRef(new Map());
  return names.map((name) => {
    if (!drawn.current.has(name)) drawn.current.set(name, draw(name));
    return drawn.current.get(name);
  });
}
