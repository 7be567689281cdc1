/** Where things stand in a plain chart: candles from left to right, prices from the top. Places are in pixels. */

const MOST_SLOTS = 120;
const NARROWEST_STEP = 5;
const TICKS = 5;
// Above the highest price and below the lowest one, of the height.
const MARGIN_SHARE = 0.08;

/**
 * Return which candles fit, and where times stand.
 *
 * @param {object[]} candles Ascending.
 * @param {number} ahead Slots that are left free for what comes.
 * @param {number} width Of the picture.
 * @param {number} stepMs Of the timeframe.
 * @returns {{first: number, step: number, x: (time: number) => number}} `first` is the index of the first candle that is
 *   shown, `x` takes a time in seconds.
 */
export function slotsOf(candles, ahead, width, stepMs) {
  const slots = Math.max(1 + ahead, Math.min(MOST_SLOTS, Math.floor(width / NARROWEST_STEP), candles.length + ahead));
  const first = Math.max(0, candles.length - (slots - ahead));
  const step = width / slots;
  const newest = candles[candles.length - 1]?.timestamp ?? 0;
  // Markets that rest at night have no slots for it, so a time is looked up among the candles.
  const slot = (ms) => (ms > newest ? candles.length - 1 + (ms - newest) / stepMs : candles.findLastIndex(({ timestamp }) => timestamp <= ms));
  return { first, step, x: (time) => (slot(time * 1000) - first + 0.5) * step };
}

/** Return the place of a price by the prices that have to be seen; `ticks` are round prices among them. */
export function priceScale(prices, height) {
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const whole = high - low || Math.abs(high) || 1;
  const place = (price) => height * (1 - MARGIN_SHARE) - ((price - low) / whole) * height * (1 - 2 * MARGIN_SHARE);
  const power = 10 ** Math.floor(Math.log10(whole / TICKS));
  const distance = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= whole / TICKS);
  const count = Math.floor(high / distance) - Math.ceil(low / distance) + 1;
  place.ticks = Array.from({ length: Math.max(0, count) }, (_, index) => (Math.ceil(low / distance) + index) * distance);
  return place;
}
