// Draws what the server has written as HTML, and follows its links to other views without loading the page again.
window.actstock = {
    Html: ({ tag, attributes, content }) =>
        React.createElement(tag, { ...attributes, dangerouslySetInnerHTML: { __html: content } }),

    follow: (address) => {
        window.history.pushState({}, "", address);
        window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    },
};

document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-view]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    actstock.follow(link.getAttribute("href"));
    window.scrollTo(0, 0);
});
