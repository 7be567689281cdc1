/** The colors of the style sheet, for what is painted on canvas. */

/** @returns {Record<string, string>} By the names of the style sheet, in camel case. */
export function colorsOf(element) {
  const style = getComputedStyle(element);
  const named = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    panel: named("panel"), raised: named("raised"), line: named("line"), text: named("text"), aside: named("aside"),
    accent: named("accent"), long: named("long"), short: named("short"), good: named("good"), warn: named("warn"), bad: named("bad"),
    longGround: named("long-ground"), shortGround: named("short-ground"),
  };
}
