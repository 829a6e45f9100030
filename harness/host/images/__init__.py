"""The images of servers, runner and project: what each is made from, and how it is found or made."""
