"""Django's own suite, from its source distribution: the results of its ``runtests.py`` beside those of the harness."""
