"""Runs on the user's machine: configuration, images, servers, one run or several. It never imports Django."""
