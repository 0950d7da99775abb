# The commands that people type. Each sets up what it needs in a virtual environment of its own.
PYTHON ?= python3

.PHONY: demo serve-demo test quick pythons mutate fuzz outside check check-arm64 check-trt-api test-ort-gpu test-ray test-triton soak \
	docs bench gpu-check offline smoke clean

demo: .venv-demo/ready    ## answer example phantoms, a fault and a real DICOM cine, and name the page (lean: no torch, no onnx)
	.venv-demo/bin/python examples/demo.py

test: .venv/ready         ## run the whole test suite, or ARGS="tests/trust -k gate"
	.venv/bin/python -m pytest $(or $(ARGS),-n auto --dist loadfile --max-worker-restart 0)

quick: .venv/ready        ## what takes no time: the loop while one works
	.venv/bin/python -m pytest -n auto --dist loadfile --max-worker-restart 0 -m 'not slow and not torch and not browser'

pythons: .venv/ready      ## the wheel on every Python that is promised: smoke test and quick tests (ARGS="-s lowest")
	.venv/bin/nox $(ARGS)

mutate: .venv/ready       ## which small faults do the tests notice? (SEED=1 MUTANTS=3 of each module ONLY=edgeecho/trust MINUTES=30)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group mutate
	.venv/bin/python tests/support/mutate.py --seed $(or $(SEED),1) --each $(or $(MUTANTS),3) --only '$(ONLY)' $(if $(MINUTES),--minutes $(MINUTES))

fuzz: .venv/ready         ## 10,000 damaged files of every format (CASES=N for another number)
	EDGEECHO_FUZZ_CASES=$(or $(CASES),10000) .venv/bin/python -m pytest -s tests/test_fuzz.py

outside: .venv/ready      ## every command under strace, those of the stages too: it calls nobody
	EDGEECHO_OUTSIDE=all .venv/bin/python -m pytest tests/test_outside.py

check: .venv/ready        ## lint, format, types, layers
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

check-trt-api: .venv/ready ## download the real TensorRT and CUDA bindings; are our stand-ins as they are?
	.venv/bin/python tests/support/dump_trt_api.py

check-arm64: .venv/ready   ## the runtime in an emulated Debian for arm64: the same EF? (Debian, root, network)
	.venv/bin/python benchmarks/arm64_check.py

test-ort-gpu: .venv-ort-gpu/ready ## the real onnxruntime-gpu without a GPU: what it lists, lacks and prints
	.venv-ort-gpu/bin/python -m pytest -s tests/engines/test_ort_gpu.py

test-ray: .venv-ray/ready  ## cohorts on a real Ray: its tests, then CLIPS=2000 on nodes that are killed, 20 minutes
	.venv-ray/bin/python -m pytest tests/batch/test_ray.py tests/test_outside.py -k ray
	.venv-ray/bin/python benchmarks/ray_cohort.py --clips $(or $(CLIPS),2000)

test-triton: .venv-triton/ready ## a real tritonserver on the CPU: the answers of infer, and how long they take
	.venv-triton/bin/python -m pytest tests/tools/triton
	.venv-triton/bin/python benchmarks/triton_latency.py

soak: .venv/ready         ## 1,000 studies to the node, 200 at once, and 10,000 junk requests (STUDIES=N, REQUESTS=N)
	.venv/bin/python benchmarks/soak.py --studies $(or $(STUDIES),1000)
	.venv/bin/python benchmarks/soak_api.py --requests $(or $(REQUESTS),10000)

serve-demo: .venv-serve/ready ## page on port 8117 and DICOM node on port 11112, with the demo model
	.venv-serve/bin/python examples/serve_demo.py

docs: .venv-docs/ready    ## the documentation as a site, in build/site; a broken link is an error
	.venv-docs/bin/python docs/tools/stage.py
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	.venv-docs/bin/python docs/tools/check_site.py build/site

bench: .venv-demo/ready   ## latency report of the demo model on this machine
	.venv-demo/bin/edgeecho bench

# No environment of its own: PyTorch and CUDA are those of the Python that has them (PYTHON=...).
gpu-check:                ## what a GPU can do with edgeecho, in eight minutes (ARGS="--minutes 20"; without a GPU: the CPU)
	PYTHONPATH=.:train:calibration:export $(PYTHON) benchmarks/gpu_check.py $(ARGS)

offline:                  ## one archive for a machine without a network: wheels, model, pages, hashes (ARGS="--extras serve,dicom")
	$(PYTHON) deploy/offline/pack.py $(ARGS)

smoke: .venv-demo/ready   ## every runtime command from the installed wheel, outside the clone
	.ci/smoke .venv-demo

clean:                    ## remove the environments and all caches
	rm -rf .nox .venv .venv-demo .venv-serve .venv-docs .venv-ort-gpu .venv-ray .venv-triton build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# pip 25.1 is the first that knows dependency groups.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	.venv/bin/python -m pip install --quiet -c constraints.txt -e '.[train,export,evaluate,serve,dicom,cohort]' --group dev
	touch $@

.venv-demo/ready: pyproject.toml constraints.txt $(shell find edgeecho train export calibration -type f -not -path '*/__pycache__/*')
	$(PYTHON) -m venv --clear .venv-demo
	.venv-demo/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt .
	touch $@

.venv-serve/ready: pyproject.toml constraints.txt $(shell find edgeecho -type f -not -path '*/__pycache__/*')
	$(PYTHON) -m venv --clear .venv-serve
	.venv-serve/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt '.[serve,dicom]'
	touch $@

# An environment of its own: onnxruntime-gpu and onnxruntime overwrite each other. Of CUDA one library.
.venv-ort-gpu/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-ort-gpu
	.venv-ort-gpu/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	.venv-ort-gpu/bin/python -m pip install --quiet -c constraints.txt -e '.[gpu]' --group ort-gpu
	touch $@

.venv-ray/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-ray
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	.venv-ray/bin/python -m pip install --quiet -c constraints.txt -e '.[cohort,ray,serve,dicom]' --group test
	touch $@

# An environment of its own: the server's Python backend gives empty tensors with numpy 2, which OpenCV asks for.
.venv-triton/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-triton
	.venv-triton/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	.venv-triton/bin/python -m pip install --quiet --group triton
	.venv-triton/bin/python -m pip install --quiet --no-deps -c constraints.txt nvidia-pytriton opencv-python-headless -e .
	touch $@

.venv-docs/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	.venv-docs/bin/python -m pip install --quiet -c constraints.txt --group docs
	touch $@
