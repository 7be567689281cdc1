# docker build .                      the service with all it can do: serves, trains and searches by itself
# docker build --target api .         serves only, a quarter of the size: jobs run on workers (docs/deployment.md)
# docker build --target worker .      runs the jobs of Celery; and the beat, which queues what is due
# docker build --target flower .      the page of the queues
#
# Libraries are installed, and code compiled, in stages of their own; the images hold only what runs. The libraries of the
# page come from npm.
FROM python:3.12-slim AS installer
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy VIRTUAL_ENV=/app/.venv
RUN pip install --no-cache-dir 'uv>=0.13,<0.20'
WORKDIR /app
COPY requirements-serve.txt .
# further packages, such as those of traces (docs/monitoring.md)
ARG EXTRAS=""
RUN uv venv /app/.venv && uv pip install --no-cache -r requirements-serve.txt ${EXTRAS}

FROM installer AS complete-installer
COPY requirements.txt .
RUN uv pip install --no-cache -r requirements.txt

FROM node:22-slim AS page-libraries
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts/install_page_libraries.sh scripts/
RUN mkdir -p api/web && scripts/install_page_libraries.sh

FROM python:3.12-slim AS code
WORKDIR /app
COPY pyproject.toml config.yaml main.py cli.py ./
COPY api api
COPY commands commands
COPY config config
COPY container container
COPY demo demo
COPY domain domain
COPY features features
COPY models models
COPY rules rules
COPY backtesting backtesting
COPY services services
COPY storage storage
COPY tasks tasks
COPY utils utils
COPY --from=page-libraries /app/api/web/vendor api/web/vendor
# the service cannot write bytecode, so each start and each job would compile all of it again
RUN python -m compileall -q --invalidation-mode unchecked-hash .

FROM python:3.12-slim AS base
RUN useradd --create-home --uid 10001 service && mkdir -p /app/data && chown service:service /app/data
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH HOST=0.0.0.0 PORT=8000
VOLUME /app/data

FROM python:3.12-slim AS flower
COPY requirements-flower.txt /tmp/
RUN pip install --no-cache-dir -r /tmp/requirements-flower.txt && useradd --system flower
USER flower
EXPOSE 5555
CMD ["celery", "flower", "--port=5555"]

# The code comes last: a new release is a small layer on the libraries, which stay where they are.
FROM base AS worker
# the system's OpenMP, of which the wheel of LightGBM has none
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=complete-installer /app/.venv .venv
COPY --from=code /app .
USER service
CMD ["python", "cli.py", "worker"]

FROM base AS api
COPY --from=installer /app/.venv .venv
COPY --from=code /app .
USER service
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/livez\", timeout=2)"]
CMD ["python", "main.py"]

# The last target is the default.
FROM worker AS service
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/livez\", timeout=2)"]
CMD ["python", "main.py"]
