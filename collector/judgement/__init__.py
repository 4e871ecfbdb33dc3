"""Judge whether the bars of an answer follow from each other as prices do. Decisions alone: no clock, no connection.

Each bar is fine, *doubtful* (a person should look first: it is quarantined) or *noted* (stored, but returns across it
are degraded). A doubtful bar after which the prices stay on another level, and each noted one, is a break.

* Steps. Yahoo adjusts both sides of a split, so a step counts on the day of a split too. It is measured from the last
  plausible close: a single odd bar makes the one after it no odder.
* Adjusted closes. From one session to the next, adj_close / close changes by dividends and capital gains alone.
* Dividends. The price falls by what is paid out on the same day.
* Stretches. Sessions in a row with the closes of their neighbours, or of no stored session, are not the ticker's.
* Units. Most of a ticker's past closes never change, except by one common factor at a listed split.
"""
