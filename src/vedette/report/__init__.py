"""What a run found, for people and for programs: terminal, page, JSON, verdicts, progress."""
