"""One module a command. `threefold NAME` runs the click command called NAME in `threefold/commands/NAME.py`.

`threefold.cli` finds them by their file names and imports one only when it is asked for; the line it shows in the
overview is the first line of the module's docstring.
"""
