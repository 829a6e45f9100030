"""Random test suites, each run by plain serial Django and by the harness, which must come to the same.

``pieces`` has what tests and fixtures do, ``generate`` makes a suite of them from a seed, ``running`` runs it in both ways, and
``compare`` says what differs. ``python -m tests.random_suites`` does so with as many as one likes.

Left out is what the harness does otherwise on purpose: writes through a mirror, and, in a ``TestCase``, whose mirror shares
the primary's connection, reads of what it has written and what follows a failed statement. Left out too is what plain Django
itself carries from one class into the next, since that depends on the order: a ``TestCase`` whose own ``setUpClass`` fails
after Django's, or whose ``tearDownClass`` fails before it.
"""
