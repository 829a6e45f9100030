"""The use of replicas in a run: the servers that statements went to, and the reads that missed a write."""
