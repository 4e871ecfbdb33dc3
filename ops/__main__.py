"""`python -m ops`: what ./start.sh hands over to."""

from ops.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
