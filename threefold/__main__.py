"""`python -m threefold` is the command `threefold`."""

from threefold.cli import main

if __name__ == "__main__":
    main()
