"""Windows of event time: mergeable summaries of each service, route and client."""
