"""The engine: batches in, anomalies and incidents out. The only place that ties the rooms together."""
