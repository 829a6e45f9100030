"""The proxy of replicas in a container."""
