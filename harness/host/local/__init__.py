"""Database servers as processes of this machine, without a Docker engine"""
