/** What a backtest came to: its figures with their intervals, beside chance and buying and holding. */
import { html } from "../../core/html.js";
import { bps, change, count, number, percent, riskUnits } from "../../core/numbers.js";
import { Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { EquityPicture } from "./equity_picture.js";

/** @param {{result: object}} props The job's result; docs/backtesting.md has its keys. */
export function BacktestResult({ result }) {
  return html`<div class="backtest-result">
    <h3>${result.lane} on ${result.symbols.join(", ")} ${result.timeframe}, <${Moment} at=${result.start} /> to <${Moment} at=${result.end} /></h3>
    <p>${verdict(result)}</p>
    <${EquityPicture} curve=${result.curve} />
    <${Table} caption="The account beside buying and holding" columns=${COMPARED} rows=${compared(result)} rowKey=${({ name }) => name} />
    <dl class="facts figure">
      <dt>Trades</dt><dd>${count(result.trades)} of ${count(result.judgements.total)} judgements</dd>
      <dt>Result of a trade after costs, of its risk</dt>
      <dd>${riskUnits(result.expectancy)} [${riskUnits(result.expectancy_low)}, ${riskUnits(result.expectancy_high)}]</dd>
      <dt>Trades with a profit</dt><dd>${percent(result.win_rate)} of ${count(result.trades)}</dd>
      <dt>Basis points a trade: before, after costs</dt><dd>${bps(result.gross_bps)}, ${bps(result.net_bps)}</dd>
      <dt>Costs, of the capital</dt><dd>${percent(result.costs / result.capital)}</dd>
      <dt>In a position, of the candles</dt><dd>${percent(result.exposure)}</dd>
      <dt>Sharpe ratio, a year</dt><dd>${number(result.sharpe_ratio, 3)} of ${count(result.days)} days</dd>
      <dt>Random entries came to, middle 95 %</dt>
      <dd>${change(result.random_entry.mean)} [${change(result.random_entry.low)}, ${change(result.random_entry.high)}]</dd>
      <dt>Chance of this return by random entries</dt><dd>p = ${number(result.random_entry.p_value, 2)}</dd>
      <dt>Probability of a true Sharpe ratio above the best of as many worthless trials</dt>
      <dd>${percent(result.deflated_sharpe)} of ${count(result.trials)} trials</dd>
    </dl>
  </div>`;
}

// The interval decides, never the figure alone.
function verdict({ trades, expectancy_low: low, expectancy_high: high }) {
  if (!trades) return "No signal was traded in this time.";
  if (low === null || high === null) return "Undecided: too few trades for an interval.";
  if (low > 0) return "After costs its trades made money in this past, the interval clear of zero.";
  if (high < 0) return "After costs its trades lost money in this past, the interval clear of zero.";
  return "Undecided: the interval of a trade's result has zero in it.";
}

const COMPARED = [
  { title: "", value: ({ name }) => name },
  { title: "Return", number: true, value: ({ total }) => change(total) },
  { title: "Largest fall", number: true, value: ({ fall }) => percent(fall) },
];

function compared(result) {
  return [
    { name: "Account, after costs", total: result.total_return, fall: result.max_drawdown },
    { name: "Account, before costs", total: result.gross_return, fall: null },
    { name: "Buying and holding", total: result.buy_and_hold, fall: result.buy_and_hold_max_drawdown },
  ];
}
