"""`./start.sh bench`: what the running platform does a second, each figure beside what it is to be compared with."""
