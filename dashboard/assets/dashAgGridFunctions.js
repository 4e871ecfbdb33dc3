// What the tables' columns name as their functions.
const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

// The order of cells that show something else than they are sorted by.
functions.byMarketCap = (_one, _other, rowOne, rowOther) => rowOne.data.market_cap - rowOther.data.market_cap;

// Whoever goes through a table with the keyboard stands on its cells, not on what is in them.
functions.followAtEnter = ({ event }) => {
    if (event.type !== "keydown" || event.key !== "Enter") return false;
    event.target.querySelector("a")?.click();
    return true;
};
