#!/bin/sh
# Runs once, when PostgreSQL's image makes its data folder: the role that migrates and owns, the role that
# serves, and the database. The serving role gets its rights from the migrations.
set -eu
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres \
  -v owner_password="$DB_MIGRATION_PASSWORD" -v app_password="$DB_PASSWORD" <<'SQL'
CREATE ROLE auth_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE auth_app LOGIN PASSWORD :'app_password';
CREATE DATABASE auth OWNER auth_owner;
SQL
