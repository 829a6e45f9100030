"""The measurements of ``ci/bench``: each figure compares two things that are run in turn, see
docs/reference/benchmark.md.

``figures`` (the data of a figure) and ``report`` (table and JSON) are pure; ``race`` runs two sides in turn; ``ground``
has what they run on; each other module has a figure or two. It uses the harness as any program could, and nothing imports
it.
"""
