"""The service at the bedside: a page and a REST API over HTTP, for one engine and a queue on disk.

The only part of edgeecho that knows FastAPI, uvicorn and prometheus-client (extra `serve`).
"""
