/** Sent in the place of a chart library that is not installed: views draw plain charts then. */
export default null;
export const createChart = null;
