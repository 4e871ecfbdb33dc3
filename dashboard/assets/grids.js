// AG Grid is half of all scripts, and most views have none: it is loaded with the first grid that is drawn.
(() => {
    const load = (address) =>
        new Promise((resolve, reject) => {
            const script = Object.assign(document.createElement("script"), { src: address });
            script.addEventListener("load", resolve);
            script.addEventListener("error", reject);
            document.head.append(script);
        });

    const Loaded = React.lazy(async () => {
        await load(document.getElementById("grid-script").href);
        const loaded = window.dash_ag_grid;
        // The grids that are there stay the components that they are.
        window.dash_ag_grid = { ...loaded, AgGrid };
        return { default: loaded.AgGrid };
    });

    // Until then its place has its height.
    const AgGrid = (given) => {
        const place = React.createElement("div", { className: given.className, style: given.style });
        return React.createElement(React.Suspense, { fallback: place }, React.createElement(Loaded, given));
    };
    AgGrid.dashRenderType = true;
    window.dash_ag_grid = { AgGrid };
})();
