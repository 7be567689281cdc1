/** Dark or light, and the zone of times; both are kept in this browser. */
import { write } from "../core/store.js";

const CHOICES = { theme: ["system", "dark", "light"], zone: ["local", "utc"] };
const bright = matchMedia("(prefers-color-scheme: light)");
const { classList, dataset } = document.documentElement;

/** Take the choices of this browser up at the start. */
export function applyTheme() {
  for (const name of Object.keys(CHOICES)) choose(name, localStorage.getItem(name));
  const renew = () => choose("theme", localStorage.getItem("theme"));
  bright.addEventListener("change", renew);
  // On paper dark grounds are left out, and light letters would be on white.
  for (const [event, onPaper] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      classList.toggle("paper", onPaper);
      renew();
    });
  }
}

/** Take one choice up; an unknown value becomes the first one. */
export function choose(name, value) {
  const chosen = CHOICES[name].includes(value) ? value : CHOICES[name][0];
  localStorage.setItem(name, chosen);
  write(name, chosen);
  if (name === "theme") {
    const light = classList.contains("paper") || chosen === "light" || (chosen === "system" && bright.matches);
    dataset.theme = light ? "light" : "dark";
    // Charts paint on canvas, where the colors of the style sheet do not reach.
    write("palette", light ? "light" : "dark");
  }
}

/** Return the choice after this one. */
export function following(name, value) {
  const values = CHOICES[name];
  return values[(values.indexOf(value) + 1) % values.length];
}
