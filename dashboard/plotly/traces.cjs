// The traces of dashboard/figures; scatter is in the core.
const Plotly = require("plotly.js/lib/core");
Plotly.register([require("plotly.js/lib/bar"), require("plotly.js/lib/candlestick"), require("plotly.js/lib/treemap")]);
module.exports = Plotly;
