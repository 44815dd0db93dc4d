"""Packets of captures, datagrams of exporters and lines of flow logs to flows."""
