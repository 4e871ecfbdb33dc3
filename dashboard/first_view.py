"""Ask for the view of the page's address before Dash can: while its scripts are still fetched and compiled."""

import json

from dashboard import components
from dashboard.callback_requests import UPDATE

OUTPUTS = ((components.HEADER, "children"), (components.MAIN, "children"), (components.MAIN, "data-shows"))
# What Dash's own scripts send for the callback that draws, but for the values, which the browser knows.
REQUEST = {
    "output": f"..{'...'.join('.'.join(output) for output in OUTPUTS)}..",
    "outputs": [{"id": component, "property": attribute} for component, attribute in OUTPUTS],
    "inputs": [{"id": "address", "property": attribute} for attribute in ("pathname", "search")],
    "changedPropIds": [],
    "state": [],
}
# Dash gets the answer once it asks the same. Whatever else it asks goes to the server, and so does all that fails.
SCRIPT = f"""
(() => {{
    const ask = window.fetch;
    const request = {json.dumps(REQUEST)};
    request.inputs.forEach((input) => (input.value = location[input.property]));
    const told = ({{ output, inputs }}) => JSON.stringify([output, inputs.map((input) => input.value)]);
    const wanted = told(request);
    let answer = ask("{UPDATE}", {{
        method: "POST",
        headers: {{ "Content-Type": "application/json" }},
        body: JSON.stringify(request),
    }});
    answer.catch(() => null);
    window.fetch = (address, options) => {{
        const isUpdate = String(address).split("?")[0].endsWith("{UPDATE}");
        if (!answer || !isUpdate || told(JSON.parse(options.body)) !== wanted)
            return ask(address, options);
        const first = answer;
        answer = null;
        return first.catch(() => ask(address, options));
    }};
}})();
"""
