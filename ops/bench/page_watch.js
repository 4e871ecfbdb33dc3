// In every page from its first moment on: notes when the view is there, and when the reader can use it.
window.actstockWatch = (() => {
    const QUIET_MS = 500, PATIENCE_MS = 60_000;
    let endOfLastTask = 0;
    new PerformanceObserver((tasks) => {
        for (const task of tasks.getEntries()) endOfLastTask = task.startTime + task.duration;
    }).observe({ type: "longtask", buffered: true });

    // Whatever the browser has fetched since then; a size of 0 came out of its cache.
    const fetched = (began) =>
        [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .filter((each) => each.startTime >= began)
            .map(({ name, transferSize, serverTiming }) => ({
                address: name,
                bytes: transferSize,
                told: Object.fromEntries(serverTiming.map((each) => [each.name, each.description || each.duration])),
            }));

    // Rendered: in the frame after the one in which everything was there. Interactive: the last long task is over,
    // and none follows for a while.
    const watch = (began, isRendered) =>
        new Promise((resolve, reject) => {
            let rendered = null;
            const look = () => {
                const now = performance.now();
                if (now - began > PATIENCE_MS) return reject(new Error("the view is never rendered"));
                if (rendered === null && isRendered()) requestAnimationFrame(() => (rendered = performance.now()));
                const settled = Math.max(rendered, endOfLastTask);
                if (rendered === null || now - settled < QUIET_MS) return requestAnimationFrame(look);
                const [paint] = performance.getEntriesByName("first-contentful-paint");
                resolve({
                    first_paint: paint ? paint.startTime : null,
                    rendered: rendered - began,
                    interactive: settled - began,
                    fetched: fetched(began),
                });
            };
            look();
        });

    const isRendered = () => __RENDERED__;
    return {
        loaded: watch(0, isRendered),
        // The change of view that a click on a link is.
        changed: (address) => {
            const began = performance.now();
            history.pushState({}, "", address);
            window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
            return watch(began, isRendered);
        },
    };
})();
