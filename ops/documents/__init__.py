"""The parts of the documents that are generated from what they describe."""
