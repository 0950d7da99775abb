"""The Open Inference Protocol (V2, KServe) over REST, with binary tensors, as Triton speaks it.

routes.py    the paths of the protocol
models.py    what is served: whole files, and clips for the network alone
waiting.py   an answer that another thread gives
request.py   a request's JSON and where its tensor is
response.py  tensors as JSON or as binary data

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""
