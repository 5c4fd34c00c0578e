"""What an analyst may edit: expressions, policy, measures, indicators, benchmarks, runs."""
