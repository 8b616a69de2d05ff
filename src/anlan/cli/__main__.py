"""`python -m anlan.cli`, which is how the supervisor starts its children."""

from anlan.cli.main import main

main()
