# Everything a developer does here. `npx just` runs the pinned just; `just` alone lists the recipes.

set positional-arguments := true
set quiet := true

export PATH := justfile_directory() / "node_modules/.bin" + ":" + env("PATH")

[private]
default:
    just --list --unsorted

# Start the local stack (also: up dev, up prod with Docker)
up where="local" *options:
    shift; just _up-{{ where }} "$@"

# Stop the local stack (also: down dev, with its volumes; down prod)
down where="local":
    just _down-{{ where }}

# Follow the logs (also: logs dev, logs prod)
logs where="local":
    just _logs-{{ where }}

# A shell with the settings of the local stack (also: shell dev, inside the container)
shell where="local":
    just _shell-{{ where }}

# Everything: checks and all suites (or: test SUITE… JEST-OPTION…)
test *words:
    node scripts/test.mjs "$@"

# Unit tests
test-unit *options:
    node scripts/test.mjs unit "$@"

# The service on real stores through a gRPC client
test-integration *options:
    node scripts/test.mjs integration conformance "$@"

# Parallel callers, exact counts
test-race *options:
    node scripts/test.mjs race "$@"

# Through a real Envoy
test-rest *options:
    node scripts/test.mjs rest "$@"

# Stores and providers that fail
test-failure *options:
    node scripts/test.mjs failure "$@"

# One test per published attack
test-attacks *options:
    node scripts/test.mjs attacks "$@"

# State machines against the real stores (PROPERTY_SEED and PROPERTY_PATH replay a failure)
test-property *options:
    node scripts/test.mjs property "$@"

# The schema, up and down
test-migration *options:
    node scripts/test.mjs migration "$@"

# Load the real service and print its figures
bench *options:
    node test/bench/main.ts "$@"

# Regenerate gen/ from proto/
gen:
    node scripts/gen.mjs

# ESLint and buf lint
lint:
    eslint .
    node scripts/gen.mjs --lint

# Format everything
fmt:
    prettier --write --log-level warn .
    node scripts/gen.mjs --fix

# Every check that `npm test` makes before the tests
check:
    node scripts/check.ts

# Bring the database up to date
migrate:
    node scripts/with-stack.ts node src/db/migrate.ts run

# Write a migration from what the entities say (NAME: verb-noun)
migration name:
    node scripts/with-stack.ts node src/db/migrate.ts generate "$1"

# One gRPC call to the local stack, e.g. just call GetReadiness
call *words:
    node scripts/call.ts "$@"

# Validate the configuration without starting
config-check:
    node scripts/with-stack.ts node src/main.ts config-check

[private]
_up-local *options:
    node scripts/start.mjs "$@"

[private]
_up-dev *options:
    docker compose -f docker/dev/compose.yml up --build --renew-anon-volumes "$@"

[private]
_up-prod *options:
    docker compose -f docker/prod/compose.yml up --build --detach "$@"

[private]
_down-local:
    node scripts/stop.mjs

[private]
_down-dev:
    docker compose -f docker/dev/compose.yml down --volumes

[private]
_down-prod:
    docker compose -f docker/prod/compose.yml down

[private]
_logs-local:
    tail -n 50 -F .local/log/*.log

[private]
_logs-dev:
    docker compose -f docker/dev/compose.yml logs --follow --tail 100

[private]
_logs-prod:
    docker compose -f docker/prod/compose.yml logs --follow --tail 100

[private]
_shell-local:
    node scripts/with-stack.ts "${SHELL:-/bin/sh}"

[private]
_shell-dev:
    docker compose -f docker/dev/compose.yml exec auth sh
