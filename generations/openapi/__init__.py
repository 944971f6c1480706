"""The API in OpenAPI 3.1: calls, what they answer, our webhooks; `document` puts them together."""
