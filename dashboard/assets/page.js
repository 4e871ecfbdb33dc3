// What a page does by itself when its view has been drawn: its title, where the reader is taken, and who listens to it.
(() => {
    const drawn = () => {
        const view = document.getElementById("view");
        const of = (selector) => (view.querySelector(selector)?.textContent || "").trim();
        const chosen = new URLSearchParams(location.search);
        const parts = [`${of("h1")} ${of(".selector .selected")}`.trim(), chosen.get("sector"), chosen.get("as_of")];
        document.querySelector(".views .selected")?.scrollIntoView({ block: "nearest", inline: "nearest" });
        document.title = [...parts.filter(Boolean), "ActStock"].join(" · ");
        if (chosen.get("why")) goTo("why");
        if (chosen.get("candidates") === "all") goTo("candidates");
    };

    // Whoever asks for something below the window is taken there, with eyes and with the keyboard.
    const goTo = (id) => {
        const place = document.getElementById(id);
        if (!place) return;
        const heading = place.querySelector("h2") || place;
        heading.tabIndex = -1;
        heading.focus({ preventScroll: true });
        const show = () => place.scrollIntoView({ block: "start" });
        // Charts and tables above it get their height a moment later; a reader who moves on is left alone.
        const growing = new ResizeObserver(show);
        const stop = () => growing.disconnect();
        growing.observe(document.getElementById("view"));
        ["wheel", "touchstart", "keydown", "pointerdown"].forEach((deed) =>
            window.addEventListener(deed, stop, { once: true, passive: true })
        );
        setTimeout(stop, 4000);
        show();
    };

    // Dash's date field says of an element without a role that it is expanded, which nobody may listen to.
    const mendPicker = () => {
        document.querySelectorAll("[id$=-wrapper].dash-datepicker-input-wrapper").forEach((wrapper) => {
            ["aria-expanded", "aria-haspopup", "aria-disabled", "aria-labelledby"].forEach((name) =>
                wrapper.removeAttribute(name)
            );
        });
    };

    // Dash calls its radio buttons options of a list, which they are not: each is one of a group that has a name.
    const mendRadios = () => {
        document.querySelectorAll(".dash-radioitems, .dash-radioitems > label").forEach((each) => {
            ["role", "aria-selected"].forEach((name) => each.removeAttribute(name));
        });
    };

    // Dash drops a day that cannot be chosen without a word, and puts the old one back before the field is left.
    let typed = null;
    const answerDay = (event) => {
        const field = event.target;
        const problem = document.getElementById("session-problem");
        if (!problem || !field.matches?.("#session-picker")) return;
        if (event.type === "input") {
            typed = field.value.trim();
            problem.textContent = "";
        } else if (typed && (event.type === "focusout" || event.key === "Enter")) {
            if (!problem.dataset.days.split(" ").includes(typed))
                problem.textContent = problem.dataset.text.replace("{day}", typed);
            typed = null;
        }
    };

    // A chart keeps the size that it has on the screen; paper is narrower. A tear sheet's charts are drawn anew for it, so
    // that their letters stay large enough; the others are scaled.
    const PAPER_PIXELS = 690;
    const forPaper = () => {
        document.querySelectorAll(".banner details").forEach((each) => (each.open = true));
        const view = document.getElementById("view");
        const isSheet = view.querySelector(".tear-sheet");
        view.querySelectorAll(".js-plotly-plot").forEach((graph) => {
            const { width, height } = graph.getBoundingClientRect();
            if (!width) return;
            if (isSheet) {
                graph.dataset.height = height;
                const share = Math.min(1, width / view.clientWidth);
                Plotly.relayout(graph, { width: PAPER_PIXELS * share, height: 0.6 * height });
            } else {
                graph.querySelectorAll(".main-svg").forEach((drawing) =>
                    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`)
                );
            }
        });
    };
    const forScreen = () =>
        document.querySelectorAll(".js-plotly-plot").forEach((graph) => {
            graph.querySelectorAll(".main-svg").forEach((drawing) => drawing.removeAttribute("viewBox"));
            if (graph.dataset.height)
                Plotly.relayout(graph, { width: null, height: Number(graph.dataset.height), autosize: true });
        });

    // A moment in UTC is told in the reader's own time as well.
    const tellLocalTime = () => {
        document.querySelectorAll("time.moment").forEach((each) => {
            const moment = new Date(each.dateTime);
            if (each.dataset.of === each.dateTime || Number.isNaN(moment.getTime())) return;
            each.dataset.of = each.dateTime;
            if (moment.getTimezoneOffset() === 0) return delete each.dataset.local;
            each.dataset.local = new Intl.DateTimeFormat(document.documentElement.lang, {
                weekday: "short",
                hour: "2-digit",
                minute: "2-digit",
                hourCycle: "h23",
                timeZoneName: "short",
            }).format(moment);
        });
    };

    // A login may end while its page is open: then every question is refused, and nothing would say so.
    const ask = window.fetch;
    window.fetch = async (...asked) => {
        const answer = await ask(...asked);
        if (answer.status === 401) tellLoginEnded();
        return answer;
    };
    const tellLoginEnded = () => {
        const told = document.getElementById("login-ended");
        told.querySelector("a").href = `/login?then=${encodeURIComponent(location.pathname + location.search)}`;
        told.hidden = false;
    };

    // A long reason is folded where there is little room for it.
    const isWide = matchMedia("(min-width: 641px)");
    const unfold = () => {
        if (!isWide.matches) return;
        document.querySelectorAll(".banner details:not([data-seen])").forEach((each) => {
            each.dataset.seen = "";
            each.open = true;
        });
    };

    let shown = null;
    const look = () => {
        mendPicker();
        mendRadios();
        unfold();
        tellLocalTime();
        const view = document.getElementById("view");
        if (!view || !view.dataset.shows || view.dataset.shows === shown) return;
        shown = view.dataset.shows;
        drawn();
    };
    new MutationObserver(look).observe(document.documentElement, {
        subtree: true,
        childList: true,
        attributes: true,
        attributeFilter: ["data-shows", "aria-expanded", "aria-selected", "datetime"],
    });
    document.addEventListener("click", (event) => event.target.closest?.(".print") && window.print());
    // Once they are drawn. A phone has no room for the choices above them.
    document.addEventListener("orders", () =>
        setTimeout(() => {
            const panel = !isWide.matches && document.getElementById("orders-panel");
            goTo(panel ? panel.id : "orders");
        }, 100)
    );
    ["input", "keydown", "focusout"].forEach((deed) => document.addEventListener(deed, answerDay, true));
    window.addEventListener("beforeprint", forPaper);
    window.addEventListener("afterprint", forScreen);
})();
