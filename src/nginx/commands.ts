import type { LoadBalancer } from '../cluster/cluster.ts';
import { runContainer } from '../docker/commands.ts';
import { changing, reading, script, type Command } from '../engine/command.ts';
import { failedTo, present, type Query } from '../engine/fact.ts';
import { FOLDER } from './configuration.ts';

const CONFIGURATION = `${FOLDER}/nginx.conf`;

/** Port nginx listens on inside its container. */
export const INSIDE_PORT = '8080/tcp';

/** Lets nginx of that image check the files of a folder (absolute) before they are used. */
export const checkConfiguration = (image: string, folder: string): Command =>
  changing('check the nginx configuration', [
    'docker',
    'run',
    '--rm',
    `--volume=${folder}:${FOLDER}:ro`,
    image,
    'nginx',
    '-t',
    '-q',
    '-c',
    CONFIGURATION,
  ]);

/**
 * Puts the checked files in place of those in use, one by one and whole; the configuration that was in use stays as
 * nginx.conf.last-good.
 */
export function installConfiguration(from: string, to: string): Command {
  const text = [
    'mkdir -p "$2" || exit',
    '[ ! -e "$2/nginx.conf" ] || cp -p "$2/nginx.conf" "$2/nginx.conf.last-good" || exit',
    'for f in certificate.pem certificate.key nginx.conf; do [ ! -e "$1/$f" ] || mv "$1/$f" "$2/$f" || exit; done',
    'rmdir "$1"',
  ].join('\n');
  return changing('install the nginx configuration', script(text, from, to));
}

/**
 * Starts the load balancer on the files in that folder (absolute). The folder is mounted, not the file, so that a
 * replaced file is seen.
 */
export const runLoadBalancer = (loadBalancer: LoadBalancer, folder: string): Command =>
  runContainer('start the load balancer', [
    `--name=${loadBalancer.container}`,
    '--restart=always',
    `--publish=${loadBalancer.port}:${INSIDE_PORT}`,
    `--volume=${folder}:${FOLDER}:ro`,
    loadBalancer.image,
    'nginx',
    '-c',
    CONFIGURATION,
    '-g',
    'daemon off;',
  ]);

/** Makes nginx load its files without dropping a request, and waits up to 10 s until it says that it did. */
export function reloadConfiguration(container: string, digest: string): Command {
  const text = [
    `docker exec "$1" nginx -c ${CONFIGURATION} -s reload || exit`,
    'i=0; while [ $i -lt 50 ]; do',
    '[ "$(docker exec "$1" curl --noproxy "*" -s -m 2 http://127.0.0.1:8089/configuration)" != "$2" ] || exit 0',
    'i=$((i + 1)); sleep 0.2; done',
    'echo "nginx kept its former configuration" >&2; exit 75',
  ].join('\n');
  return changing('reload the nginx configuration', script(text, container, digest));
}

/** Digest of the configuration that nginx has loaded. */
export const loadedConfiguration = (container: string): Query<string> => ({
  command: reading('ask nginx for its configuration', [
    'docker',
    'exec',
    container,
    'curl',
    '--noproxy',
    '*',
    '-s',
    '-m',
    '5',
    'http://127.0.0.1:8089/configuration',
  ]),
  read: (outcome) =>
    outcome.code === 0 ? present(outcome.stdout.trim()) : failedTo('ask nginx for its configuration', outcome),
});
