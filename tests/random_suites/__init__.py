"""Random test suites, each run by plain serial Django and by the harness, which must give the same results.

``pieces`` has the texts of tests and fixtures, ``generate`` makes a suite of them from a seed, ``running`` runs it in both
ways, and ``compare`` lists the differences. ``python -m tests.random_suites`` does this for any number of suites.

The suites leave out what the harness does differently on purpose: writes through a mirror, and, in a ``TestCase``, whose
mirror shares the primary's connection, reads of what it has written and what follows a failed statement. They also leave
out what plain Django itself carries from one class into the next, since that depends on the order: a ``TestCase`` whose own
``setUpClass`` fails after Django's, or whose ``tearDownClass`` fails before it.
"""
