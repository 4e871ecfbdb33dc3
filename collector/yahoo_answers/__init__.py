"""Read Yahoo's answers: JSON in, our dataclasses out, without any request.

Prices and dividends are in the major unit of an ISO currency whatever unit Yahoo quotes in.
"""
