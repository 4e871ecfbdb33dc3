"""Sortable tables by their columns: few rows as plain HTML, many as AG Grid in the page's own colours and type."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid
from dash import dcc, html
from msgspec import Struct, to_builtins

from dashboard.components import Component, sign_class
from dashboard.page import Page, Said, typeset

ROW_PIXELS = 34
HEADER_PIXELS = 34
TWO_LINES_PIXELS = 48
PLAIN_ROWS_AT_MOST = 40
RIGHT, VIEW_LINK = "rightAligned", "ViewLink"
LOCALE_KO = {
    "noRowsToShow": "표시할 행이 없습니다",
    "filterOoo": "필터…",
    "contains": "포함",
    "notContains": "포함하지 않음",
    "equals": "같음",
    "notEqual": "같지 않음",
    "startsWith": "시작",
    "endsWith": "끝",
    "blank": "비어 있음",
    "notBlank": "비어 있지 않음",
    "lessThan": "미만",
    "greaterThan": "초과",
    "lessThanOrEqual": "이하",
    "greaterThanOrEqual": "이상",
    "inRange": "범위",
    "andCondition": "그리고",
    "orCondition": "또는",
}
# The theme's parameters are the page's variables, so that both colour schemes come from one place.
THEME = {
    "browserColorScheme": "inherit",
    "backgroundColor": "var(--panel)",
    "foregroundColor": "var(--ink)",
    "headerTextColor": "var(--ink-soft)",
    "headerBackgroundColor": "var(--panel)",
    "oddRowBackgroundColor": "var(--stripe)",
    "rowHoverColor": "var(--panel-edge)",
    "borderColor": "var(--panel-edge)",
    "accentColor": "var(--accent)",
    "menuBackgroundColor": "var(--panel)",
    "headerColumnResizeHandleColor": "transparent",
    "fontFamily": "inherit",
    "fontSize": 13,
    "headerFontSize": 11,
    "headerFontWeight": 600,
    "rowHeight": ROW_PIXELS,
    "headerHeight": HEADER_PIXELS,
    "spacing": 6,
    "cellHorizontalPadding": 8,
    "wrapperBorder": False,
    "rowBorder": False,
}


def cells(row: Struct) -> dict[str, Any]:
    """Return a row's values, without the reasons as data, whose words the views make."""
    return {name: value for name, value in to_builtins(row).items() if not name.endswith("reasons")}


def table(
    name: str,
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    page: Page,
    row_id: str,
) -> Component:
    """Show few rows as a plain table, which is there at once, and many in a grid, where they can be filtered."""
    if len(rows) > PLAIN_ROWS_AT_MOST:
        return grid(name, columns, rows, page, row_id, PLAIN_ROWS_AT_MOST)
    head = html.Thead(html.Tr([_heading(column) for column in columns]))
    body = html.Tbody([html.Tr([_cell(column, row) for column in columns]) for row in rows])
    return html.Div(html.Table([head, body], id=name, className="sortable"), className="scroll rows", tabIndex=0)


def _heading(column: Mapping[str, Any]) -> Component:
    title, hint = column["headerName"], column.get("headerTooltip")
    told = html.Button(title, type="button") if column.get("sortable", True) else title
    return html.Th(told, className="number" if column.get("type") == RIGHT else "", title=hint)


def _cell(column: Mapping[str, Any], row: Mapping[str, Any]) -> Component:
    """Return a cell. data-value is what it is sorted by, where that is not what it shows."""
    field, context = column["field"], column.get("context", {})
    value, form = row[field], context.get("form")
    told = typeset(format(value, form)) if form and value is not None else "–" if value is None else str(value)
    if column.get("cellRenderer") == VIEW_LINK:
        return html.Td(dcc.Link(told, href=row[f"{field}_href"], className="ticker"))
    sorted_by: dict[str, Any] = {"data-value": row[context["sorted_by"]]} if "sorted_by" in context else {}
    if "tooltipField" in column and column.get("type") != RIGHT:
        return html.Td(told, className="clipped", title=told, style={"maxWidth": f"{column['width']}px"})
    kinds = {
        "number": column.get("type") == RIGHT,
        "strong": "strong" in column.get("cellClass", ""),
        sign_class(value) if "cellClassRules" in column else "": True,
    }
    return html.Td(told, className=" ".join(kind for kind, is_so in kinds.items() if is_so), **sorted_by)


def grid(
    name: str,
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    page: Page,
    row_id: str | None = None,
    rows_shown: int | None = None,
    is_wrapped: bool = False,
) -> dash_ag_grid.AgGrid:
    """All rows at once, in the height they need. row_id: the field that tells rows apart.

    rows_shown: scroll beyond so many; only the rows in sight are drawn then.
    is_wrapped: the headings take two lines, where there are too many columns for one
    """
    is_scrolled = rows_shown is not None and len(rows) > rows_shown
    header = TWO_LINES_PIXELS if is_wrapped else HEADER_PIXELS
    height = header + ROW_PIXELS * (rows_shown if is_scrolled and rows_shown else len(rows)) + 2
    return dash_ag_grid.AgGrid(
        id=name,
        columnDefs=list(columns),
        rowData=list(rows),
        defaultColDef={
            "sortable": True,
            "filter": True,
            "resizable": True,
            "suppressHeaderMenuButton": False,
            "minWidth": 56,
            "wrapHeaderText": is_wrapped,
        },
        columnSize="responsiveSizeToFit",
        getRowId=f"params.data.{row_id}" if row_id else None,
        dashGridOptions={
            "theme": {"function": f"themeQuartz.withParams({json.dumps(THEME)})"},
            "headerHeight": header,
            "domLayout": "normal" if is_scrolled else "autoHeight",
            "suppressCellFocus": False,
            "suppressMovableColumns": True,
            "enableCellTextSelection": True,
            "ensureDomOrder": True,
            "animateRows": False,
            "tooltipShowDelay": 300,
            **({"localeText": LOCALE_KO} if page.language == "ko" else {}),
        },
        style={"height": height if is_scrolled else None, "minHeight": height},
        className="grid",
    )


def _column(field: str, title: str, width: int) -> dict[str, Any]:
    """Return what all columns have: the heading, and what it means."""
    explained = {"headerTooltip": title.meaning} if isinstance(title, Said) and title.meaning else {}
    return {"field": field, "headerName": title, "width": width, **explained}


def text(field: str, title: str, width: int, **more: Any) -> dict[str, Any]:
    return {**_column(field, title, width), "minWidth": width // 2, "tooltipField": field, **more}


def number(field: str, title: str, width: int, form: str, **more: Any) -> dict[str, Any]:
    """form: how a number is written, in d3's notation; a dash stands for none."""
    return {
        **_column(field, title, width),
        "minWidth": width,
        "type": RIGHT,
        "context": {"form": form, "sorted_by": field},
        "filter": "agNumberColumnFilter",
        "valueFormatter": {"function": f"params.value == null ? '–' : d3.format('{form}')(params.value)"},
        **more,
    }


def signed(field: str, title: str, width: int, **more: Any) -> dict[str, Any]:
    """Return a column of returns: a percent with its sign and the sign's colour."""
    rules = {"up": "params.value > 0", "down": "params.value < 0"}
    return number(field, title, width, "+.2%", cellClassRules=rules, **more)


def link(field: str, title: str, width: int, **more: Any) -> dict[str, Any]:
    """Return a column whose cells lead to the row's `<field>_href`, by a click or the Enter key."""
    return {
        **_column(field, title, width),
        "cellRenderer": VIEW_LINK,
        "suppressKeyboardEvent": {"function": "followAtEnter(params)"},
        **more,
    }


def market_cap(title: str, width: int) -> dict[str, Any]:
    """Return a column of amounts as `cap` has them in words, in the order of `market_cap`."""
    comparator, context = {"function": "byMarketCap"}, {"sorted_by": "market_cap"}
    return text("cap", title, width, type=RIGHT, comparator=comparator, context=context)
