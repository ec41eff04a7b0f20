"""Certificates for a broker, the server's programs and the nodes: a thin layer over `cryptography`."""
