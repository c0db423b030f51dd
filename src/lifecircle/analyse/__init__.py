"""One module a theme: frames in, answers on the caller's index out. Themes never import one another."""
