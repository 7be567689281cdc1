/** Numbers as people of this browser's language write them. */

const formats = new Map();

function format(value, options) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(undefined, options));
  return formats.get(key).format(value);
}

/** A price with as many digits as it needs: 123,456,789.12 or 0.08213. */
export const price = (value) => format(value, value >= 1_000 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 6 });
/** A share of one as a percentage. */
export const percent = (share, digits = 1) =>
  format(share, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
/** A signed change, as a share of one. */
export const change = (share, digits = 2) =>
  format(share, { style: "percent", signDisplay: "exceptZero", minimumFractionDigits: digits, maximumFractionDigits: digits });
/** A confidence or probability, 0 to 1, with two digits. */
export const share = (value) => format(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
/** A score such as Brier's, with four digits. */
export const score = (value) => format(value, { minimumFractionDigits: 4, maximumFractionDigits: 4 });
/** A count. */
export const count = (value) => format(value, { maximumFractionDigits: 0 });
/** A count in little room: 12.3K. */
export const compact = (value) => format(value, { notation: "compact", maximumFractionDigits: 1 });
/** Basis points, signed. */
export const bps = (value) => format(value, { signDisplay: "exceptZero", maximumFractionDigits: 1 });
/** A result in units of the risk, signed. */
export const riskUnits = (value) => format(value, { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 });
/** US dollars; cents and fractions of them as needed. */
export const dollars = (value) => format(value, { style: "currency", currency: "USD", maximumFractionDigits: value && Math.abs(value) < 1 ? 4 : 2 });
/** Any other number. */
export const number = (value, digits = 4) => format(value, { maximumSignificantDigits: digits });
/** A size in bytes. */
export const bytes = (value) => {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = value > 0 ? Math.min(Math.floor(Math.log10(value) / 3), units.length - 1) : 0;
  return format(value / 1000 ** step, { style: "unit", unit: units[step], maximumSignificantDigits: 3 });
};
