/** Printing: what depends on the room that there is, and what is painted on canvas, is made again for paper. */
import { useEffect, useRef } from "./html.js";

/**
 * Call `prepare` before the page is printed, when it is as wide as paper and in light colors, and what it returned after that.
 *
 * @param {() => (() => void) | undefined} prepare Works at once: the browser waits for nothing.
 */
export function usePaper(prepare) {
  const newest = useRef(null);
  newest.current = prepare;
  useEffect(() => {
    let end = null;
    const begin = () => (end = newest.current());
    const finish = () => end?.();
    addEventListener("beforeprint", begin);
    addEventListener("afterprint", finish);
    return () => {
      removeEventListener("beforeprint", begin);
      removeEventListener("afterprint", finish);
    };
  }, []);
}

/**
 * Print another picture in the place of one on canvas, which has the colors and the width of the screen.
 *
 * @param {{current: Element | null}} frame Of the one on the screen.
 * @param {(stage: HTMLElement) => {picture: HTMLCanvasElement, end?: () => void}} paint Fills an element.
 */
export function usePrintedPicture(frame, paint) {
  usePaper(() => {
    if (!frame.current?.querySelector("canvas")) return undefined;
    const stage = document.createElement("div");
    stage.className = "on-paper";
    frame.current.after(stage);
    const { picture, end } = paint(stage);
    stage.replaceChildren(picture);
    return () => {
      end?.();
      stage.remove();
    };
  });
}
