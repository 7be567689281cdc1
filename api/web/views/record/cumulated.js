/** Results of each day added up over time, by lane. */
import { LANES } from "./words.js";

/**
 * Return what the calls of lanes came to, added up day after day.
 *
 * @param {object[]} records Of `ai/track-record?group=day`, of one timeframe and horizon.
 * @param {"bps" | "r"} unit Mean result of a call in basis points, or of a plan in units of its risk.
 * @returns {{days: string[], lines: {lane: string, title: string, calls: (number | null)[], before: (number | null)[],
 *   after: (number | null)[]}[]}} Days ascending; the numbers of a line have one value each, and are sums since the first
 *   day: null until the lane has its first call. `before` and `after` costs.
 */
export function cumulated(records, unit) {
  const settled = records.filter((record) => record.count > 0 && record[unit] !== null);
  const days = [...new Set(settled.map((record) => record.day))].sort();
  const lanes = Object.keys(LANES).filter((lane) => settled.some((record) => record.lane === lane));
  const lines = lanes.map((lane) => {
    const byDay = new Map(settled.filter((record) => record.lane === lane).map((record) => [record.day, record]));
    const added = (value) => {
      let sum = null;
      return days.map((day) => (sum = byDay.has(day) ? (sum ?? 0) + value(byDay.get(day)) : sum));
    };
    return {
      lane,
      title: LANES[lane],
      calls: added((record) => record.count),
      before: added((record) => record.count * record[unit]),
      after: added((record) => record.count * record[`net_${unit}`]),
    };
  });
  return { days, lines };
}
