"""The edge: guards, errors, paging, streams, routing, the OpenAPI document."""
