"""Currencies as sources write them."""

# A hundredth of these is what the price of a share is quoted in; a market cap is in the currency itself.
MINOR_UNITS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ZAC": "ZAR", "ILA": "ILS", "ILa": "ILS"}
