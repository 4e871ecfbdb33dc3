// Writes plotly.min.js: plotly.js with the traces of traces.cjs alone. `npm install --ignore-scripts && npm run build`
const esbuild = require("esbuild");
const inlineCss = require("esbuild-plugin-inline-css");
const { version } = require("plotly.js/package.json");

// plotly.js's registry imports the style of the maps, which no trace here draws.
const withoutMaps = {
    name: "without-maps",
    setup: (build) => {
        build.onResolve({ filter: /maplibre-gl\.css$/ }, ({ path }) => ({ path, namespace: "nothing" }));
        build.onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: "" }));
    },
};

esbuild.build({
    entryPoints: ["traces.cjs"],
    outfile: "plotly.min.js",
    format: "iife",
    globalName: "Plotly",
    bundle: true,
    minify: true,
    target: "es2022",
    plugins: [withoutMaps, inlineCss()],
    define: { global: "window", "define.amd": "false", "process.env.NODE_DEBUG": "false" },
    banner: { js: `/*! plotly.js v${version} with some of its traces. Copyright Plotly, Inc. MIT licence. */` },
    legalComments: "eof",
});
