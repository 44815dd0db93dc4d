"""The language of custom rules: `error_rate > 5 % and requests > 100 for 3 windows`. No evaluation of code."""
