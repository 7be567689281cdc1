/** The losses of a training by epoch or round, as a picture and as a table. */
import { html } from "../../core/html.js";
import { number } from "../../core/numbers.js";
import { Table } from "../../parts/table.js";

const WIDTH = 600;
const HEIGHT = 180;
const ROOM = 8;

/** @param {{history: object | object[] | null}} props As `training_history` of a version's metadata; of an ensemble by member. */
export function TrainingCurve({ history }) {
  if (!history) return html`<p class="aside">A learner of this type has no epochs, or its release kept none.</p>`;
  if (!history.points) {
    return Object.entries(history).map(([name, part]) => html`<div key=${name}><h3>${name}</h3><${TrainingCurve} history=${part} /></div>`);
  }
  const { unit, points, best, planned, ended } = history;
  const columns = [
    { title: unit, number: true, value: (point) => point.number }, { title: "Loss", number: true, value: ({ loss }) => number(loss, 5) },
    { title: "Validation", number: true, value: (point) => number(point.validation_loss, 5) },
    { title: "Learning rate", number: true, value: (point) => number(point.learning_rate, 3) },
  ];
  return html`<figure class="curve">
    <figcaption>${ended} of ${planned} ${unit}s; the lowest validation loss in ${unit} ${best}, at the upright line. Loss of <span
      class="learned">training (solid)</span> and <span class="validated">validation (dashed)</span>.</figcaption>
    <${Lines} points=${points} best=${best} unit=${unit} />
    <details><summary>Losses as a table</summary><${Table} caption="Losses of the training" columns=${columns} rows=${points} rowKey=${(point) => point.number} /></details>
  </figure>`;
}

function Lines({ points, best, unit }) {
  const values = points.flatMap(({ loss, validation_loss: validation }) => [loss, validation]).filter((value) => value !== null);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = points[points.length - 1].number;
  const x = (at) => ROOM + (at / last) * (WIDTH - 2 * ROOM);
  const y = (value) => HEIGHT - ROOM - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * ROOM);
  const path = (key) => `M${points.filter((point) => point[key] !== null).map((point) => `${x(point.number).toFixed(1)} ${y(point[key]).toFixed(1)}`).join("L")}`;
  return html`<span class="scale up" aria-hidden="true"><span>${number(high)}</span><span>${number(low)}</span></span>
  <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${`Losses of the training, from ${number(high)} down to ${number(low)}`}>
    <line class="best" x1=${x(best)} x2=${x(best)} y1="0" y2=${HEIGHT} />
    <path class="learned" d=${path("loss")} /><path class="validated" d=${path("validation_loss")} />
  </svg>
  <span class="scale across" aria-hidden="true"><span>${unit} ${points[0].number}</span><span>${unit} ${last}</span></span>`;
}
