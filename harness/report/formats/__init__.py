"""The formats of a report, each a text from the model: JUnit, SQL, summary, replay, GitHub. Pure."""
