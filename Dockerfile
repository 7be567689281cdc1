# Two stages: the first resolves and compiles, the second holds only what runs.
FROM python:3.12-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN pip install --no-cache-dir 'uv>=0.13,<0.20'
WORKDIR /app
COPY requirements.txt .
RUN uv venv /app/.venv && VIRTUAL_ENV=/app/.venv uv pip install --no-cache -r requirements.txt

FROM python:3.12-slim
RUN useradd --system --create-home --uid 10001 service && mkdir -p /app/data && chown service:service /app/data
WORKDIR /app
COPY --from=build /app/.venv /app/.venv
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
ENV PATH=/app/.venv/bin:$PATH HOST=0.0.0.0 PORT=8000
USER service
VOLUME /app/data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/livez\", timeout=2)"]
CMD ["python", "main.py"]
