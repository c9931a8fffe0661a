"""``python -m inspector`` is the same program as the console script."""

from inspector.cli import main

if __name__ == "__main__":
    main()
