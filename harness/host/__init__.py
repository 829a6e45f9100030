"""The orchestrator: Docker, files, reports. It never imports Django."""
