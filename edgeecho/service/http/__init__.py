"""The service at the bedside: a page and a REST API for one engine and a queue on disk.

server.py        a socket, until the service is stopped
app.py           everything served, as an ASGI app
api.py           routes for jobs
results.py       routes for one job's result
service.py       store, runner and metrics as one object
dependencies.py  what routes are given
views.py         models of requests and responses
show.py          a job as a view
formats.py       formats of a result
upload.py        a request's body to a file
events.py        server-sent events
changes.py       which jobs have changed
guard.py         who may ask, security headers
problems.py      errors as problem details
v2/              the Open Inference Protocol
connections.py   idle connections closed in time
settings.py      settings and access token
metrics.py       metrics for Prometheus

Only this part of edgeecho imports FastAPI, uvicorn and prometheus-client (extra `serve`).
"""
