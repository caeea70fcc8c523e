"""`python -m shouban` is `shouban`."""

from shouban.cli.main import main

main()
