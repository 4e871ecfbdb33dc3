// Orders of the tables' cells that show something else than they are sorted by.
const orders = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

orders.byMarketCap = (_one, _other, rowOne, rowOther) => rowOne.data.market_cap - rowOther.data.market_cap;
