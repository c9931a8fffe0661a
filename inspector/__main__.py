"""Run the program with ``python -m inspector``, like the console script."""

from inspector.cli import main

if __name__ == "__main__":
    main()
