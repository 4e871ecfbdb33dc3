// A click on a heading sorts a plain table by what its cells say, or by what they say in data-value; a second click turns it.
document.addEventListener("click", (event) => {
    const heading = event.target.closest?.(".sortable th button")?.closest("th");
    if (!heading) return;
    const { tBodies, tHead } = heading.closest("table");
    const isDown = heading.getAttribute("aria-sort") === "ascending";
    const place = heading.cellIndex;
    const said = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim();
    // What has no number comes before those that have one.
    const isNumber = (text) => text !== "" && !isNaN(text);
    const compared = (one, other) =>
        isNumber(one) && isNumber(other) ? one - other : isNumber(one) - isNumber(other) || one.localeCompare(other);
    const rows = [...tBodies[0].rows].sort((one, other) => compared(said(one), said(other)) * (isDown ? -1 : 1));
    tBodies[0].append(...rows);
    [...tHead.rows[0].cells].forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", isDown ? "descending" : "ascending");
});
