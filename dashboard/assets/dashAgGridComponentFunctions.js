// Cells of the tables that lead to another view, without loading the page again.
const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

cells.ViewLink = function ({ value, data, colDef }) {
    const href = data[`${colDef.field}_href`];
    const follow = (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        actstock.follow(href);
    };
    return React.createElement("a", { href, onClick: follow, tabIndex: -1, className: "ticker" }, value);
};
