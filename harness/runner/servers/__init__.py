"""The database servers while tests run: whether they still answer, and the sessions of a test that is out of time."""
