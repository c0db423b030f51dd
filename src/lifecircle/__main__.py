"""``python -m lifecircle``: the command line where no script folder is on the path."""

from lifecircle.cli import app

if __name__ == "__main__":
    app(prog_name="lifecircle")
