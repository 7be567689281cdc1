/** A chart of SVG alone, for installations without the chart library. */
import { html, useRef } from "../../core/html.js";
import { price as priceText } from "../../core/numbers.js";
import { useSize } from "../../core/size.js";
import { stamp } from "../../core/times.js";
import { band, levels, marks } from "./chart_data.js";
import { PlainLevels } from "./plain_levels.js";
import { PlainPane } from "./plain_pane.js";
import { priceScale, slotsOf } from "./plain_scales.js";

const AXIS_WIDTH = 66;
const AXIS_HEIGHT = 20;
const PANE_HEIGHT = 76;
// Of the candles' part of the picture.
const VOLUME_SHARE = 0.18;
const TICK_WIDTH = 150;
const MARKS = { belowBar: ["M0 4 5 13H-5Z", 25], aboveBar: ["M0 -4 5 -13H-5Z", -17] };
// Colors are those of the style sheet, by class.
const CLASSES = { good: "good", bad: "bad", aside: "aside", accent: "accent" };

/**
 * Draws the newest candles that fit, with all that `CandleChart` shows.
 *
 * @param {{at: number | null, onPoint: (index: number | null) => void}} props Beside those of `CandleChart`: the candle that
 *   is looked at, and what is called with the candle under the pointer.
 */
export function PlainChart({ candles, analyses, signal, forecast, indicators, panes, stepMs, at, onPoint }) {
  const frame = useRef(null);
  const { width, height } = useSize(frame);
  const plot = { width: width - AXIS_WIDTH, height: height - AXIS_HEIGHT - panes.length * PANE_HEIGHT };
  const ahead = band(forecast, candles, stepMs);
  const { first, step, x } = slotsOf(candles, ahead ? ahead.low.length - 1 : 1, plot.width, stepMs);
  const shown = candles.slice(first);
  const y = priceScale([
    ...shown.flatMap(({ low, high }) => [low, high]), ...levels(signal, CLASSES).map(({ price }) => price),
    ...(ahead ? [...ahead.low, ...ahead.high].map(({ value }) => value) : []),
  ], plot.height);
  const point = ({ offsetX }) => onPoint(Math.min(candles.length - 1, first + Math.floor(offsetX / step)));
  const drawn = plot.width > 0 && plot.height > 0 && shown.length > 0;
  return html`<svg class="plain-chart" ref=${frame} viewBox="0 0 ${Math.max(1, width)} ${Math.max(1, height)}" aria-hidden="true"
    onPointerMove=${point} onPointerLeave=${() => onPoint(null)}>
    ${drawn ? html`<${Axes} shown=${shown} plot=${plot} y=${y} step=${step} bottom=${height} />
      <${PlainCandles} candles=${shown} step=${step} y=${y} bottom=${plot.height} />
      ${ahead ? html`<path class="band" d=${area(ahead, x, y)} /><path class="middle" d=${path(ahead.middle, x, y)} />` : null}
      ${marks(analyses, shown, stepMs, CLASSES).map((mark) => html`<${PlainMark} key=${`${mark.time} ${mark.position}`} mark=${mark} x=${x(mark.time)}
        candle=${shown[Math.floor(x(mark.time) / step)]} y=${y} />`)}
      <${PlainLevels} signal=${signal} y=${y} plot=${plot} />
      ${panes.map((name, index) => html`<${PlainPane} key=${name} name=${name} indicators=${indicators} first=${first} step=${step} width=${plot.width}
        top=${plot.height + index * PANE_HEIGHT} height=${PANE_HEIGHT} />`)}
      ${at !== null && at >= first ? html`<line class="crosshair" x1=${(at - first + 0.5) * step} x2=${(at - first + 0.5) * step} y1="0" y2=${height - AXIS_HEIGHT} />` : null}` : null}
  </svg>`;
}

function Axes({ shown, plot, y, step, bottom }) {
  const every = Math.max(1, Math.ceil(TICK_WIDTH / step));
  const times = shown.map((_, index) => index).filter((index) => index % every === Math.floor(every / 2));
  return html`<g class="axes">
    ${y.ticks.map((price) => html`<g key=${price}><line x1="0" x2=${plot.width} y1=${y(price)} y2=${y(price)} />
      <text x=${plot.width + 6} y=${y(price) + 4}>${priceText(price)}</text></g>`)}
    ${times.map((index) => html`<text key=${index} x=${(index + 0.5) * step} y=${bottom - 5} text-anchor="middle">${stamp(shown[index].timestamp)}</text>`)}
  </g>`;
}

function PlainCandles({ candles, step, y, bottom }) {
  const width = step * 0.7;
  const most = Math.max(...candles.map(({ volume }) => volume)) || 1;
  return candles.map(({ timestamp, open, high, low, close, volume }, index) => {
    const x = (index + 0.5) * step;
    const [top, foot] = [y(Math.max(open, close)), y(Math.min(open, close))];
    const tall = (volume / most) * bottom * VOLUME_SHARE;
    return html`<g key=${timestamp} class=${close >= open ? "long" : "short"}>
      <rect class="volume" x=${x - width / 2} y=${bottom - tall} width=${width} height=${tall} />
      <line x1=${x} x2=${x} y1=${y(high)} y2=${y(low)} />
      <rect class="body" x=${x - width / 2} y=${top} width=${width} height=${Math.max(1, foot - top)} />
    </g>`;
  });
}

function PlainMark({ mark: { position, color, text }, candle, x, y }) {
  const [shape, below] = MARKS[position];
  return html`<g class="mark ${color}" transform="translate(${x} ${y(position === "belowBar" ? candle.low : candle.high)})">
    <path d=${shape} /><text y=${below} text-anchor="middle">${text}</text></g>`;
}

const path = (points, x, y) => `M${points.map(({ time, value }) => `${x(time).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`;
const area = ({ low, high }, x, y) => `${path([...low, ...[...high].reverse()], x, y)}Z`;
