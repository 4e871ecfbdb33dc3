// The field that leads to a ticker, as a combobox: suggestions by code and by name, with the mouse or the keyboard.
(() => {
    const WAIT_MS = 120;
    const field = () => document.getElementById("ticker-search");
    const list = () => document.getElementById("ticker-suggestions");
    let found = []; // what is in the list
    let active = -1;
    let asked = 0;

    const suggestions = async (typed) => {
        const answer = await fetch(`/suggestions?typed=${encodeURIComponent(typed)}`);
        return answer.ok ? answer.json() : [];
    };

    const close = () => show([]);

    const show = (rows) => {
        found = rows;
        active = -1;
        list().replaceChildren(...rows.map(option));
        list().hidden = !rows.length;
        field().setAttribute("aria-expanded", String(rows.length > 0));
        field().removeAttribute("aria-activedescendant");
        const status = document.getElementById("ticker-suggestions-status");
        status.textContent = rows.length ? status.dataset.text.replace("{count}", rows.length) : "";
    };

    const option = ({ ticker, name }, place) => {
        const row = document.createElement("li");
        const code = document.createElement("strong");
        code.textContent = ticker;
        row.append(code, ` ${name}`);
        row.id = `ticker-suggestion-${place}`;
        row.setAttribute("role", "option");
        row.setAttribute("aria-selected", "false");
        return row;
    };

    const choose = (place) => {
        active = (place + found.length) % found.length;
        [...list().children].forEach((row, at) => row.setAttribute("aria-selected", String(at === active)));
        field().setAttribute("aria-activedescendant", list().children[active].id);
        list().children[active].scrollIntoView({ block: "nearest" });
    };

    // Dash has to hear of a value that a script sets.
    const empty = () => {
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field(), "");
        field().dispatchEvent(new Event("input", { bubbles: true }));
    };

    const open = (ticker) => {
        asked++;
        close();
        empty();
        const chosen = new URLSearchParams(location.search);
        // A month's portfolio is chosen by its rebalance date, which is no session.
        const session = chosen.get("period") !== "monthly" && chosen.get("as_of");
        const query = session ? `?as_of=${encodeURIComponent(session)}` : "";
        actstock.follow(`/ticker/${encodeURIComponent(ticker)}${query}`);
    };

    const enter = async (typed) => {
        if (active >= 0) return open(found[active].ticker);
        const rows = await suggestions(typed);
        open(rows.length && rows[0].exact ? rows[0].ticker : typed.toUpperCase());
    };

    const typing = () => {
        const typed = field().value.trim();
        const mine = ++asked;
        if (!typed) return close();
        setTimeout(async () => {
            if (mine !== asked) return;
            const rows = await suggestions(typed);
            if (mine === asked) show(rows);
        }, WAIT_MS);
    };

    const steps = { ArrowDown: () => active + 1, ArrowUp: () => (active < 0 ? -1 : active - 1) };
    const key = (event) => {
        if (event.target !== field() || event.isComposing) return;
        const typed = field().value.trim();
        if (event.key === "Enter") {
            event.preventDefault();
            event.stopPropagation();
            if (typed) enter(typed);
        } else if (event.key in steps && found.length) {
            event.preventDefault();
            choose(steps[event.key]());
        } else if (event.key === "Escape") {
            if (found.length) close();
            else empty();
        }
    };

    // Dash's field takes no such attributes from the server.
    const mend = () => {
        const input = field();
        if (!input || input.getAttribute("role") === "combobox") return;
        const described = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false" };
        Object.entries(described).forEach(([name, value]) => input.setAttribute(name, value));
        input.setAttribute("aria-controls", "ticker-suggestions");
    };

    new MutationObserver(mend).observe(document.documentElement, { subtree: true, childList: true });
    document.addEventListener("input", (event) => event.isTrusted && event.target === field() && typing(), true);
    document.addEventListener("keydown", key, true);
    document.addEventListener("focusout", (event) => event.target === field() && close(), true);
    document.addEventListener("mousedown", (event) => event.target.closest?.("#ticker-suggestions") && event.preventDefault());
    document.addEventListener("click", (event) => {
        const row = event.target.closest?.("#ticker-suggestions li");
        if (row) open(found[[...row.parentNode.children].indexOf(row)].ticker);
    });
})();
