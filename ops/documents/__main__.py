"""Write the generated blocks of the documents: `python -m ops.documents`."""

import sys

from config.config import PROJECT_ROOT
from ops.console import say
from ops.documents.blocks import documents, write
from utils.command_line import exit_code_of, require_no_arguments


def main() -> None:
    require_no_arguments(__doc__)
    for document in documents():
        if write(document):
            say(f"written: {document.relative_to(PROJECT_ROOT)}")


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
