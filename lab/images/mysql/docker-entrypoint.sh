#!/bin/bash
# Starts the server as the image mysql:8.0 does; an empty data folder is filled first, by a server that listens on no port.
set -euo pipefail

say() { echo "$(date -u +%FT%TZ) [$1] [Entrypoint]: $2" >&2; }
refuse() { say ERROR "$1"; exit 1; }

# setting NAME: takes NAME from the file that NAME_FILE names; both at once are refused.
setting() {
  local name=$1 file_name=${1}_FILE
  if [ -n "${!file_name:-}" ]; then
    [ -z "${!name:-}" ] || refuse "$name and $file_name are both set: only one of them may be"
    [ -r "${!file_name}" ] || refuse "$file_name: cannot read ${!file_name}"
    export "$name=$(<"${!file_name}")"
    unset "$file_name"
  fi
}

# text VALUE: the value as an SQL string.
text() { printf "'%s'" "$(printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g")"; }
name() { printf '`%s`' "${1//\`/\`\`}"; }

first_statements() {
  local password host=${MYSQL_ROOT_HOST:-%}
  password=$(text "${MYSQL_ROOT_PASSWORD:-}")
  echo "SET sql_log_bin = 0; DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost'); DELETE FROM mysql.proxies_priv; FLUSH PRIVILEGES;"
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $password;"
  if [ "$host" != localhost ]; then
    echo "CREATE USER 'root'@$(text "$host") IDENTIFIED BY $password; GRANT ALL ON *.* TO 'root'@$(text "$host") WITH GRANT OPTION;"
  fi
  if [ -n "${MYSQL_DATABASE:-}" ]; then echo "CREATE DATABASE IF NOT EXISTS $(name "$MYSQL_DATABASE");"; fi
  if [ -n "${MYSQL_USER:-}" ] && [ -n "${MYSQL_PASSWORD:-}" ]; then
    echo "CREATE USER $(text "$MYSQL_USER")@'%' IDENTIFIED BY $(text "$MYSQL_PASSWORD");"
    if [ -n "${MYSQL_DATABASE:-}" ]; then echo "GRANT ALL ON $(name "${MYSQL_DATABASE//_/\\_}").* TO $(text "$MYSQL_USER")@'%';"; fi
  fi
}

fill() {
  local socket=/run/mysqld/first.sock server tries=300
  say Note 'filling the empty data folder'
  cp -r /usr/share/mysql/empty/. /var/lib/mysql/
  "$@" --skip-networking --socket="$socket" &
  server=$!
  until mysqladmin --no-defaults --socket="$socket" -u root ping >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] && kill -0 "$server" 2>/dev/null || refuse 'the temporary server did not start'
    sleep 0.1
  done
  first_statements | mysql --no-defaults --socket="$socket" -u root
  kill -TERM "$server"
  wait "$server" || true
  say Note 'filled; ready for start up'
}

[ "${1:0:1}" != - ] || set -- mysqld "$@"
asks_only() {
  local each
  for each in "$@"; do case $each in --help | -\? | --version | -V | --print-defaults) return 0 ;; esac; done
  return 1
}
if [ "$1" = mysqld ] && ! asks_only "$@"; then
  for each in MYSQL_ROOT_PASSWORD MYSQL_ROOT_HOST MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD; do setting "$each"; done
  if [ "$(id -u)" = 0 ]; then
    chown -R mysql:mysql /var/lib/mysql /run/mysqld
    exec setpriv --reuid=mysql --regid=mysql --init-groups "$BASH_SOURCE" "$@"
  fi
  if [ ! -d /var/lib/mysql/mysql ]; then
    if [ -z "${MYSQL_ROOT_PASSWORD:-}${MYSQL_ALLOW_EMPTY_PASSWORD:-}" ]; then
      refuse 'the data folder is empty and no root password is given: set MYSQL_ROOT_PASSWORD, MYSQL_ROOT_PASSWORD_FILE or MYSQL_ALLOW_EMPTY_PASSWORD'
    fi
    fill "$@"
  fi
  unset MYSQL_ROOT_PASSWORD MYSQL_PASSWORD
fi
exec "$@"
