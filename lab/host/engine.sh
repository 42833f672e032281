#!/bin/bash
# engine start|stop|kill|status: this host's Docker Engine, in place of a service manager.
set -u
pidfile=/run/docker.pid
log=/var/log/dockerd.log

running() { [ -s "$pidfile" ] && [ "$(cat "/proc/$(cat "$pidfile")/comm" 2>/dev/null)" = dockerd ]; }

# wait_for SECONDS COMMAND...: asks ten times a second.
wait_for() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

answers() { docker version >/dev/null 2>&1; }
gone() { ! kill -0 "$pid" 2>/dev/null; }

# end SIGNAL SECONDS: sends it to the engine and waits for the end.
end() {
  if ! running; then echo 'engine: not running'; return 0; fi
  pid=$(cat "$pidfile")
  kill "-$1" "$pid"
  wait_for "$2" gone || { echo "engine: still there $2 s after SIG$1" >&2; return 1; }
}

case ${1:-} in
  start)
    if running; then echo 'engine: running already'; exit 0; fi
    ulimit -n 1048576 2>/dev/null
    setsid dockerd </dev/null >>"$log" 2>&1 &
    wait_for 30 answers || { echo "engine: no answer in 30 s, see $log" >&2; tail -n 5 "$log" >&2; exit 1; }
    ;;
  stop) end TERM 40 ;;
  kill) end KILL 10 ;;
  status) if running; then echo running; else echo stopped; exit 3; fi ;;
  *) echo 'usage: engine start|stop|kill|status' >&2; exit 64 ;;
esac
