# One image for every process: web, gateway, worker, beat. Settings come from the environment alone.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /opt/parley \
    && /opt/parley/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /srv/parley --shell /usr/sbin/nologin parley \
    && install -d -o parley -g parley /srv/parley /var/lib/parley \
    && install -d -m 0700 -o parley -g parley /var/lib/parley-exports
COPY --from=build /opt/parley /opt/parley
WORKDIR /srv/parley
COPY manage.py LICENSE ./
COPY config config
COPY conversations conversations
COPY assist assist
COPY translation translation
COPY templates templates
ENV PATH=/opt/parley/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# Collected at build time; the keys below exist in this step only.
RUN SECRET_KEY=build-step-only-0123456789-0123456789 \
    FIELD_KEY=build-step-only-0123456789-0123456789 \
    JOURNAL_KEY=build-step-only-0123456789-0123456789 \
    DATABASE_URL=sqlite:///:memory: \
    python manage.py collectstatic --no-input -v 0
USER parley
EXPOSE 8000
# Limits of reliability: a silent browser is pinged, a huge frame refused. The size of a message
# holds for what we send as well: what is larger goes in pieces (docs/live-socket.md).
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "--websocket_timeout", "43200", \
     "--websocket_connect_timeout", "5", "--ping-interval", "20", "--ping-timeout", "20", \
     "--application-close-timeout", "10", "--http-timeout", "60", "--no-server-name", \
     "--websocket-max-message-size", "65536", "--websocket-max-frame-size", "65536", \
     "config.asgi:application"]
