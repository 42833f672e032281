import { changing, cleaningUp, script, type Command } from '../engine/command.ts';
import type { Container } from './containers.ts';

/**
 * Name under which a container waits while its replacement is proven. Neither kuscia.sh nor this deployment uses names
 * with that ending.
 */
export const formerName = (name: string): string => `${name}.former`;

/** How a container is stopped. */
export interface Stopping {
  /** Seconds that it is given to stop gracefully. */
  readonly seconds: number;
  /** True if it holds data: it is never killed; if it does not stop in time, the step fails instead. */
  readonly holdsData?: true;
}

/** Time that docker itself may take in addition to the stop, in seconds. */
const MARGIN_S = 60;

/**
 * Shell lines that define `stop NAME`; -t is the option for the time in every version of docker's client. docker stop
 * kills what has not ended in time, so for a container that holds data we abandon docker instead: the server
 * continues its shutdown.
 */
const stopping = ({ seconds, holdsData }: Stopping): string =>
  holdsData
    ? `stop() { timeout ${seconds} docker stop -t 86400 "$1" >/dev/null || { code=$?; [ $code -ne 124 ] || echo ` +
      `"$1 did not stop within ${seconds} s; it was not killed" >&2; return $code; }; }`
    : `stop() { docker stop -t ${seconds} "$1" >/dev/null; }`;

const deadline = ({ seconds }: Stopping): { readonly timeoutMs: number } => ({
  timeoutMs: (seconds + MARGIN_S) * 1000,
});

/**
 * Stops the container and sets it aside under its former name, with everything it has. Its restart policy is removed
 * first: docker starts a stopped container with restart=always when the engine starts (docs.docker.com, "Start
 * containers automatically"). If it does not stop, it is put back.
 */
export function setAside(name: string, how: Stopping): Command {
  const text = [
    stopping(how),
    'docker update --restart=no "$1" >/dev/null || exit',
    '[ "$(docker container inspect --format "{{.State.Status}}" "$1")" != paused ] || docker unpause "$1" ' +
      '>/dev/null || exit',
    'stop "$1" || { code=$?; docker update --restart=always "$1" >/dev/null; exit $code; }',
    'docker rename "$1" "$2"',
  ].join('\n');
  return changing('set the current container aside', script(text, name, formerName(name)), deadline(how));
}

/** Stops a container gracefully and removes it. If it holds data, its anonymous volumes stay. */
export const discard = (name: string, how: Stopping): Command =>
  changing(
    'remove the container',
    script(
      [stopping(how), `stop "$1" && docker rm ${how.holdsData ? '' : '--volumes '}"$1" >/dev/null`].join('\n'),
      name,
    ),
    deadline(how),
  );

/**
 * Puts a container that was set aside back in its place and starts it, unless it did not run before; whatever has taken
 * its place is removed. Prints `nothing` if neither exists. Can be repeated after any interruption.
 */
export function putBack(name: string, how: Stopping, starts: boolean): Command {
  const text = [
    stopping(how),
    'there() { docker container inspect "$1" >/dev/null 2>&1; }',
    'if there "$2"; then',
    `if there "$1"; then stop "$1" || exit; docker rm ${how.holdsData ? '' : '--volumes '}"$1" >/dev/null || exit; fi`,
    'docker rename "$2" "$1" || exit',
    'else there "$1" || { echo nothing; exit 0; }; fi',
    'docker update --restart=always "$1" >/dev/null || exit',
    '[ "$3" = yes ] || exit 0',
    'for pause in 3 9 0; do said=$(docker start "$1" 2>&1) && exit; code=$?; sleep "$pause"; done',
    'echo "$said" | grep -v "^Error: failed to start containers" >&2; exit "$code"',
  ].join('\n');
  return changing(
    'put the former container back',
    script(text, name, formerName(name), starts ? 'yes' : 'no'),
    deadline(how),
  );
}

/** Restores the restart policy that an interrupted replacement took from a container, without restarting it. */
export const restoreRestartPolicy = (name: string): Command =>
  changing('restore the restart policy', ['docker', 'update', '--restart=always', name]);

/** What a rehearsal tries, as arguments of docker run without name, restart policy and volumes. */
export interface Rehearsal {
  readonly image: string;
  /** Host port and container port, `3307:3306`, of those that the present container does not occupy. */
  readonly ports: readonly string[];
  readonly options: readonly string[];
}

/**
 * Starts a container from the image that exits immediately, in the way the replacement will be started: same network
 * and limits, ports really bound, and one port of docker's choice published so that its packet filter is always tested.
 * What cannot be started is reported before anything is stopped.
 */
export function rehearse(name: string, { image, ports, options }: Rehearsal): Command {
  const text = [
    'name=$1; shift',
    'docker rm --force "$name" >/dev/null 2>&1',
    cleaningUp('docker rm --force "$name" >/dev/null 2>&1'),
    'said=$(docker run --rm --name "$name" --entrypoint true "$@" 2>&1) || { code=$?; echo "$said" | grep -v -e ' +
      '"^See .docker run --help" -e "error waiting for container: context canceled" >&2; exit $code; }',
  ].join('\n');
  const publish = [...ports, '9'].map((port) => `--publish=${port}`);
  return changing(
    'test whether the new container can be started',
    script(text, `${name}.rehearsal`, ...publish, ...options, image),
  );
}

/** Ports to publish that a container does not occupy yet: `[['1080/tcp', 20000]]` gives `20000:1080`. */
export const portsToTry = (wanted: Readonly<Record<string, number>>, current: Container | undefined): string[] => {
  const occupied = Object.values(current?.ports ?? {});
  return Object.entries(wanted).flatMap(([inside, outside]) =>
    occupied.includes(outside) ? [] : [`${outside}:${inside.replace(/\/.*$/, '')}`],
  );
};
