import { randomBytes } from 'node:crypto';
import type { Cluster, Host } from '../cluster/cluster.ts';
import { probeName } from '../docker/probe.ts';
import { reading, script } from '../engine/command.ts';
import { failedTo, present, type Question } from '../engine/fact.ts';
import type { Speaker } from './faults.ts';

/** A log of a host, its newest lines last. */
export interface Log {
  readonly host: string;
  /** Where it was read: `docker logs alice-mysql`. */
  readonly name: string;
  /** Whose it is; undefined for what only serves to understand the others. */
  readonly speaker: Speaker | undefined;
  readonly lines: readonly string[];
}

/** Where Kuscia keeps its own logs in its container, most telling first (kuscia-facts 3.4). */
const KUSCIA_LOGS = ['kuscia.log', 'k3s.log', 'kusciaapi.log', 'datamesh.log', 'envoy/envoy.log', 'envoy/external.log', 'envoy/internal.log'];

/** Of a line that does not end. */
const LONGEST_LINE = 4_000;

/** `docker cp` reads also what lies in a container that does not run. */
const ASK = `
since=$(($1 + 110)) during=$1 mark=$2 files=$3; shift 3
newest() {
  from=$(date -u -d "-\${during} seconds" +%FT%T)
  cat /var/log/docker.log /var/log/dockerd.log 2>/dev/null | tail -n 400 | awk -v from="$from" 'match($0, /[0-9-]+T[0-9:]+/) { late = substr($0, RSTART, RLENGTH) >= from } late'
}
section() { printf '\\n%s %s\\n' "$mark" "$*"; }
section host; date -u +%FT%TZ; uptime; free -m; df -h
section docker ps; timeout 8 docker ps --all --no-trunc --format '{{.Names}} {{.State}} {{.Status}} {{.Image}}'
section docker events; timeout 8 docker events --since "$since"s --until 0s --format '{{.Time}} {{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}' | tail -n 100
section engine; { timeout 8 journalctl --unit=docker --since "-\${during}s" --lines=400 --no-pager --quiet --output=short-iso 2>/dev/null || newest; } | grep .
for container in $(docker ps --all --format '{{.Names}}'); do
  for name in "$@"; do
    case $container in "$name"|*"-kuscia-autonomy-$name") ;; *) continue ;; esac
    section state "$container"; timeout 8 docker inspect --format '{{json .State}} restarts {{.RestartCount}} memory {{.HostConfig.Memory}}' "$container"
    section logs "$container"; timeout 8 docker logs --timestamps --since "$since"s --tail 400 "$container" 2>&1
    case $container in *-kuscia-autonomy-*) for file in $files; do
      section file "$container" "$file"
      timeout 8 docker exec "$container" tail -n 200 "/home/kuscia/var/logs/$file" 2>/dev/null || timeout 8 docker cp "$container:/home/kuscia/var/logs/$file" - 2>/dev/null | tar -xO 2>/dev/null | tail -n 200
    done ;; esac
  done
done
exit 0`;

/**
 * Everything on a host that could say why something does not work: of the engine what it said within so many seconds, of the containers 110 s more, as one that
 * starts again and again does so once a minute. Changes nothing.
 */
export function logsOf(cluster: Cluster, host: Host, seconds: number, mark = randomBytes(12).toString('hex')): Question<readonly Log[]> {
  const { database, loadBalancer, domain } = cluster;
  const containers = [domain, probeName(cluster), loadBalancer.container, ...(database.kind === 'managed' ? [database.container] : [])];
  const speakerOf = (container: string): Speaker | undefined => {
    if (database.kind === 'managed' && container === database.container) return 'database';
    if (container === loadBalancer.container) return 'load-balancer';
    return container.endsWith(`-kuscia-autonomy-${domain}`) ? 'replica' : undefined;
  };
  return {
    command: reading('read the logs', script(ASK, String(seconds), mark, KUSCIA_LOGS.join(' '), ...containers), { timeoutMs: 15_000 }),
    read(outcome) {
      if (outcome.code !== 0) return failedTo('read the logs', outcome);
      const [, ...sections] = outcome.stdout.replaceAll('\r', '').split(`\n${mark} `);
      return present(
        sections.map((section) => {
          const [title = '', ...lines] = section.split('\n');
          const [kind = '', container = '', file = ''] = title.split(' ');
          return { host: host.name, name: nameOf(kind, title, container, file), speaker: kind === 'engine' ? 'engine' : speakerOf(container), lines: sinceItWorked(lines.filter((line) => line.trim() !== '').map((line) => line.slice(0, LONGEST_LINE))) };
        }),
      );
    },
  };
}

/** What a replica said before it started successfully was overcome. */
const sinceItWorked = (lines: readonly string[]): readonly string[] => lines.slice(lines.findLastIndex((line) => line.includes('Kuscia started success')) + 1);

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

/** The logs as one text, without credentials. */
export const logText = (logs: readonly Log[]): string => logs.map(({ host, name, lines }) => `===== ${host}: ${name}\n${lines.map(withoutCredentials).join('\n')}\n`).join('\n');

/**
 * The text without passwords in addresses, join tokens, JSON Web Tokens and the like. A run's own secrets are masked by whoever prints; these may be
 * the secrets of others, which no run knows.
 */
export const withoutCredentials = (text: string): string =>
  text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+):\S+@/gi, '$1:***@')
    .replace(/SWMTKN-[\w-]+/g, '***')
    .replace(/\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '***')
    .replace(/(bearer\s+|(?:token|password|passwd|secret)["']?\s*[=:]\s*["']?)[^\s"',;]{6,}/gi, '$1***');
