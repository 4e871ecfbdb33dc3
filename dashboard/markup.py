"""Write what no callback changes as HTML: Dash takes a millisecond for each component, and a view has hundreds."""

import re
from collections.abc import Collection, Iterable, Mapping
from html import escape
from typing import Any

from dash import Dash, dcc, html
from dash.development.base_component import Component

NAMESPACE = "actstock"
# Tags without an end.
VOID = frozenset({"br", "hr", "img"})
# React's names of attributes that HTML calls otherwise than in lower case.
HTML_NAMES = {"className": "class", "htmlFor": "for"}
# Dash's own, which are no attributes.
OF_DASH = frozenset(
    {"children", "key", "n_clicks", "n_clicks_timestamp", "disable_n_clicks", "loading_state", "refresh"}
)
# The mark of a link to another view, which assets/markup.js follows without loading the page again.
VIEW_LINK = "data-view"
PROPS = ["attributes", "content", "tag"]
NONE: list[str] = []


class Html(Component):
    """An element with its content as HTML. assets/markup.js draws it.

    attributes: by React's names
    """

    _namespace = NAMESPACE
    _type = "Html"
    _children_props = _base_nodes = NONE
    _prop_names = available_properties = PROPS
    _valid_wildcard_attributes = available_wildcard_properties = NONE

    def __init__(self, tag: str, attributes: dict[str, Any], content: str) -> None:
        self.tag, self.attributes, self.content = tag, attributes, content
        super().__init__(tag=tag, attributes=attributes, content=content)  # type: ignore[no-untyped-call]


def live_ids(app: Dash) -> frozenset[str]:
    """Return the ids of all components that a callback reads or writes."""
    read = (part["id"] for known in app.callback_map.values() for part in (*known["inputs"], *known["state"]))
    outputs = (known["output"] for known in app.callback_map.values())
    written = (each.component_id for output in outputs for each in (output if isinstance(output, list) else [output]))
    return frozenset(map(str, (*read, *written)))


def written(part: Any, live: Collection[str]) -> Any:
    """Return a view with its largest parts without anything live as HTML. live: ids that callbacks use."""
    if isinstance(part, (list, tuple)):
        return [written(each, live) for each in part]
    if not isinstance(part, Component):
        return part
    children = getattr(part, "children", None)
    if _has_elements(children):
        if _is_still(part, live):
            return Html(tag=_tag(part), attributes=_attributes(part), content=_content(children))
        part.children = written(children, live)
    return part


def _has_elements(children: Any) -> bool:
    if isinstance(children, (list, tuple)):
        return any(map(_has_elements, children))
    return isinstance(children, Component)


def _is_still(part: Any, live: Collection[str]) -> bool:
    """Return whether HTML can say a part and all that is in it."""
    if isinstance(part, (list, tuple)):
        return all(_is_still(each, live) for each in part)
    if not isinstance(part, Component):
        return True
    is_known = isinstance(part, (dcc.Link, Html)) or part._namespace == html.Div._namespace
    is_live = isinstance(getattr(part, "id", None), dict) or getattr(part, "id", None) in live
    return is_known and not is_live and _is_still(getattr(part, "children", None), live)


def _tag(part: Component) -> str:
    return "a" if isinstance(part, dcc.Link) else part._type.lower()


def _attributes(part: Component) -> dict[str, Any]:
    props: dict[str, Any] = part.to_plotly_json()["props"]  # type: ignore[no-untyped-call]
    is_view_link = isinstance(part, dcc.Link) and not getattr(part, "refresh", False)
    shown = {
        name: value for name, value in props.items() if name not in OF_DASH and value is not None and value is not False
    }
    return {**shown, VIEW_LINK: ""} if is_view_link else shown


def _content(children: Any) -> str:
    if children is None:
        return ""
    if isinstance(children, (list, tuple)):
        return "".join(map(_content, children))
    return _element(children) if isinstance(children, Component) else escape(str(children), quote=False)


def _element(part: Component) -> str:
    tag, attributes = _tag(part), "".join(_written_attributes(_attributes(part)))
    if tag in VOID:
        return f"<{tag}{attributes}>"
    return f"<{tag}{attributes}>{_content(getattr(part, 'children', None))}</{tag}>"


def _written_attributes(attributes: dict[str, Any]) -> Iterable[str]:
    for name, value in sorted(attributes.items()):
        told = "" if value is True else escape(_styled(value) if name == "style" else str(value))
        yield f' {HTML_NAMES.get(name, name.lower())}="{told}"'


def _styled(style: Mapping[str, str]) -> str:
    """Return a style as HTML has it.

    >>> _styled({"width": "40%", "backgroundColor": "var(--accent)"})
    'width: 40%; background-color: var(--accent)'
    """
    return "; ".join(f"{re.sub('[A-Z]', _hyphened, name)}: {value}" for name, value in style.items())


def _hyphened(capital: re.Match[str]) -> str:
    return f"-{capital[0].lower()}"
