"""Traffic made by the tools that people use, between two network namespaces: what happens, and what must be found."""
