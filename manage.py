#!/usr/bin/env python3
"""Chancery's command line. `--data DIR` (or CHANCERY_DATA) says where everything it writes lies."""

import os
import sys


def _take_data_directory(arguments: list[str]) -> None:
    """Move `--data DIR` or `--data=DIR` from the arguments into CHANCERY_DATA, before settings are read."""
    for index, argument in enumerate(arguments):
        if argument == "--data" and index + 1 < len(arguments):
            os.environ["CHANCERY_DATA"] = arguments[index + 1]
            del arguments[index : index + 2]
            return
        if argument.startswith("--data="):
            os.environ["CHANCERY_DATA"] = argument.removeprefix("--data=")
            del arguments[index]
            return


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    _take_data_directory(sys.argv)
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Run “make up”, or use the project's own .venv/bin/python.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
