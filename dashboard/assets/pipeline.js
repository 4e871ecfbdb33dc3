// The pipeline's view draws itself anew: what its reader has opened stays open, and the keyboard stays where it is.
(() => {
    const opened = new Set();
    let place = null;
    const live = () => document.getElementById("pipeline-live");
    const isInside = (element) => Boolean(live()?.contains(element));
    const nameOf = (element) =>
        [element.tagName, element.getAttribute("href"), element.closest("details[id]")?.id].join(" ");

    const restore = () => {
        if (!live()) return opened.clear();
        live().querySelectorAll("details[id]:not([open])").forEach((each) => {
            if (opened.has(each.id)) each.open = true;
        });
        if (!place || document.activeElement !== document.body) return;
        const same = [...live().querySelectorAll("a[href], summary, [tabindex]")].find((each) => nameOf(each) === place);
        same?.focus({ preventScroll: true });
    };

    const noteOpened = ({ target }) => {
        if (!target.id || !isInside(target)) return;
        if (target.open) opened.add(target.id);
        else opened.delete(target.id);
    };
    const notePlace = ({ target }) => (place = isInside(target) ? nameOf(target) : null);

    document.addEventListener("toggle", noteOpened, true);
    ["focusin", "pointerdown"].forEach((deed) => document.addEventListener(deed, notePlace, true));
    new MutationObserver(restore).observe(document.documentElement, { subtree: true, childList: true });
})();
