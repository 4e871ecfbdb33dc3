"""Telling a person: what went wrong, when it is over, and the head of the evidence, through mail, a webhook or more."""
