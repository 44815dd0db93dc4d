"""A made office: its quiet days, its troubles, and how they are written down; see `bench/quality/office.py`."""
