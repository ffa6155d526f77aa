# The app in a container, for those who host it themselves: docs/deploy.md.
FROM python:3.11-slim

# Legends and figures in Chinese, Japanese and Korean.
RUN apt-get update \
 && apt-get install --no-install-recommends --yes fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*

# The only folder that is written to: uploads, downloaded models, matplotlib's fonts.
RUN useradd --uid 1000 --no-create-home --shell /usr/sbin/nologin app \
 && install --directory --owner=app --group=app /cache

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/cache \
    XDG_CACHE_HOME=/cache \
    HF_HOME=/cache/huggingface \
    MPLCONFIGDIR=/cache/matplotlib \
    GRADIO_TEMP_DIR=/cache/gradio \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860

WORKDIR /app

# Before the code, so that a change of it installs nothing again.
COPY requirements.txt ./
# PyTorch's own package index, given here, has builds without CUDA that are gigabytes smaller.
ARG PIP_EXTRA_INDEX_URL=""
RUN pip install --no-cache-dir --requirement requirements.txt

COPY LICENSE README.md app.py ./
COPY checkpoints ./checkpoints
COPY examples ./examples
COPY partclipseg ./partclipseg

USER app
VOLUME /cache
EXPOSE 7860

# The first start imports PyTorch and loads the model.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['GRADIO_SERVER_PORT'] + '/config', timeout=4)"]

CMD ["python", "app.py"]
