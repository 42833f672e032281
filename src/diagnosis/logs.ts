import { randomBytes } from 'node:crypto';
import type { Cluster, Host } from '../cluster/cluster.ts';
import { probeName } from '../docker/probe.ts';
import { reading, script, type Command } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { withoutCredentials } from './credentials.ts';
import type { LogSource } from './faults.ts';
import { offsetIn, since } from './log-times.ts';

/** A log on a host, newest lines last. */
export interface Log {
  readonly host: string;
  /** Source: `docker logs alice-mysql`. */
  readonly name: string;
  /** The component that wrote it; undefined for supplementary information. */
  readonly speaker: LogSource | undefined;
  /** The container it belongs to, if any. */
  readonly container?: string;
  /** The replica's name, by which other logs refer to it. */
  readonly subject?: string;
  /** Only lines from the time of the run and from current processes. */
  readonly lines: readonly string[];
  /** Everything that was read; `lines` if absent. */
  readonly whole?: readonly string[];
}

/** Kuscia's own logs in its container, most useful first (docs/kuscia.md#logs). */
const KUSCIA_LOGS = [
  'kuscia.log',
  'k3s.log',
  'kusciaapi.log',
  'datamesh.log',
  'envoy/envoy.log',
  'envoy/external.log',
  'envoy/internal.log',
];

/** Longer lines are truncated. */
const MAX_LINE_LENGTH = 4_000;

/** Time limit for one read, in seconds, so that a hanging engine does not block the other logs. */
const READ_S = 3;
/**
 * Seconds after which no further read is started, and after which the command is stopped; what was read until then is
 * used.
 */
const BEGUN_S = 9;
const DEADLINE_S = 15;

/** Logs that do not need the engine come first. `docker cp` also reads files in stopped containers. */
const ASK = `
since=$(($1 + 110)) during=$1 mark=$2 files=$3; shift 3
begun=$(date +%s)
late() { [ $(($(date +%s) - begun)) -ge ${BEGUN_S} ]; }
brief() { timeout ${READ_S} "$@"; }
newest() {
  from=$(date -u -d "-\${during} seconds" +%FT%T)
  cat /var/log/docker.log /var/log/dockerd.log 2>/dev/null | tail -n 400 | awk -v from="$from" 'match($0, /[0-9-]+T[0-9:]+/) { late = substr($0, RSTART, RLENGTH) >= from } late'
}
section() { printf '\n%s %s\n' "$mark" "$*"; }
section engine; { brief journalctl --unit=docker --since "-\${during}s" --lines=400 --no-pager --quiet --output=short-iso 2>/dev/null || newest; } | grep .
section host; date -u +%FT%TZ; uptime; free -m; brief df -h
section docker ps; all=$(brief docker ps --all --no-trunc --format '{{.Names}} {{.State}} {{.Status}} {{.Image}}') || { echo 'the Docker Engine did not respond'; exit 0; }
printf '%s\n' "$all"
section docker events; brief docker events --since "$since"s --until 0s --format '{{.Time}} {{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}' | tail -n 100
for container in $(printf '%s\n' "$all" | cut -d ' ' -f 1); do
  for name in "$@"; do
    case $container in "$name"|*"-kuscia-autonomy-$name") ;; *) continue ;; esac
    late && break 2
    section logs "$container"; brief docker logs --timestamps --since "$since"s --tail 400 "$container" 2>&1
    section state "$container"; brief docker inspect --format '{{json .State}} restarts {{.RestartCount}} memory {{.HostConfig.Memory}} hostname {{.Config.Hostname}}' "$container"
    case $container in *-kuscia-autonomy-*) for file in $files; do
      late && break 3
      section file "$container" "$file"
      brief docker exec "$container" tail -n 200 "/home/kuscia/var/logs/$file" 2>/dev/null || brief docker cp "$container:/home/kuscia/var/logs/$file" - 2>/dev/null | tar -xO 2>/dev/null | tail -n 200
    done ;; esac
  done
done
exit 0`;

/** A command that reads logs, and a parser for its output, even if incomplete. */
export interface LogReader {
  readonly command: Command;
  readonly read: (outcome: Outcome) => readonly Log[];
}

/**
 * Reads all logs on a host that could explain a failure, from the given number of seconds; 110 s more for a container
 * in a restart loop, which Docker restarts once a minute. Drops lines from before the current start of other
 * containers, because they belong to an earlier process. Changes nothing.
 */
export function logsOf(
  cluster: Cluster,
  host: Host,
  seconds: number,
  mark = randomBytes(12).toString('hex'),
): LogReader {
  const { database, loadBalancer, domain } = cluster;
  const containers = [
    domain,
    probeName(cluster),
    loadBalancer.container,
    ...(database.kind === 'managed' ? [database.container] : []),
  ];
  const speakerOf = (container: string): LogSource | undefined => {
    if (database.kind === 'managed' && container === database.container) return 'database';
    if (container === loadBalancer.container) return 'load-balancer';
    return container.endsWith(`-kuscia-autonomy-${domain}`) ? 'replica' : undefined;
  };
  return {
    command: reading('read the logs', script(ASK, String(seconds), mark, KUSCIA_LOGS.join(' '), ...containers), {
      timeoutMs: DEADLINE_S * 1000,
    }),
    read({ stdout }) {
      const [, ...sections] = stdout.replaceAll('\r', '').split(`\n${mark} `);
      const all = sections.map(sectionOf);
      const now = Date.parse(all.find(({ kind }) => kind === 'host')?.lines[0] ?? '') || Date.now();
      return all.map((section) => {
        const { kind, title, container, file, lines } = section;
        const subject = subjectIn(all, container);
        return {
          host: host.name,
          name: nameOf(kind, title, container, file),
          speaker: kind === 'engine' ? 'engine' : speakerOf(container),
          ...(OF_CONTAINERS.includes(kind) && { container }),
          ...(subject !== '' && { subject }),
          lines: sinceItWorked(inTime(all, section, now, seconds * 1000, lines)),
          whole: lines,
        };
      });
    },
  };
}

/** Kinds of sections that are about one container. */
const OF_CONTAINERS = ['logs', 'state', 'file'];

interface Section {
  readonly kind: string;
  readonly title: string;
  readonly container: string;
  readonly file: string;
  readonly lines: readonly string[];
}

function sectionOf(text: string): Section {
  const [title = '', ...lines] = text.split('\n');
  const [kind = '', container = '', file = ''] = title.split(' ');
  return {
    kind,
    title,
    container,
    file,
    lines: lines.filter((line) => line.trim() !== '').map((line) => line.slice(0, MAX_LINE_LENGTH)),
  };
}

/** Docker restarts a container in a loop once a minute. In milliseconds. */
const LOOP_MS = 110_000;

const stateIn = (all: readonly Section[], container: string): string =>
  all.find((section) => section.kind === 'state' && section.container === container)?.lines[0] ?? '';
const subjectIn = (all: readonly Section[], container: string): string =>
  container === '' ? '' : (/ hostname (\S+)$/.exec(stateIn(all, container))?.[1] ?? '');

/**
 * The lines of a container's logs from the time of the run and its current process; all lines of other sections, with
 * continued lines joined.
 */
function inTime(
  all: readonly Section[],
  { kind, container }: Section,
  now: number,
  runMs: number,
  lines: readonly string[],
): readonly string[] {
  if (kind === 'engine') return joined(lines);
  if (kind !== 'logs' && kind !== 'file') return lines;
  const state = stateIn(all, container);
  const started = Date.parse(/"StartedAt":"([^"]+)"/.exec(state)?.[1] ?? '') || 0;
  const restarts = Number(/ restarts (\d+)/.exec(state)?.[1] ?? 0);
  const loops = restarts > 0 && now - started < runMs + LOOP_MS;
  const from = loops ? now - runMs - LOOP_MS : restarts > 0 ? now - runMs : Math.max(now - runMs, started);
  const offset =
    kind === 'file'
      ? offsetIn(all.find((section) => section.kind === 'logs' && section.container === container)?.lines ?? [])
      : undefined;
  return since(lines, from, offset, now);
}

/** Joins lines that start with a space to the line before. */
function joined(lines: readonly string[]): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    if (/^\s/.test(line) && whole.length > 0) whole.push(`${whole.pop() ?? ''} ${line.trim()}`);
    else whole.push(line);
  }
  return whole;
}

/** Drops lines from before a successful start, because those problems are resolved. */
const sinceItWorked = (lines: readonly string[]): readonly string[] =>
  lines.slice(lines.findLastIndex((line) => line.includes('Kuscia started success')) + 1);

function nameOf(kind: string, title: string, container: string, file: string): string {
  switch (kind) {
    case 'engine':
      return 'log of the Docker Engine';
    case 'state':
      return `docker inspect ${container}`;
    case 'logs':
      return `docker logs ${container}`;
    case 'file':
      return `${container}:/home/kuscia/var/logs/${file}`;
    default:
      return title;
  }
}

/** All logs as one text, without credentials. */
export const logText = (logs: readonly Log[]): string =>
  logs
    .map(
      ({ host, name, lines, whole = lines }) => `===== ${host}: ${name}\n${whole.map(withoutCredentials).join('\n')}\n`,
    )
    .join('\n');
