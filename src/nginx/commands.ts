import type { LoadBalancer } from '../cluster/cluster.ts';
import { runContainer } from '../docker/commands.ts';
import { changing, reading, script, type Command } from '../engine/command.ts';
import { failedTo, present, type Query } from '../engine/fact.ts';
import { FOLDER } from './configuration.ts';

const CONFIGURATION = `${FOLDER}/nginx.conf`;

/** Port of nginx inside its container. */
export const INSIDE_PORT = '8080/tcp';

/** Checks the files in a directory (absolute) with nginx from that image before they are used. */
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
 * Replaces the files in use with the checked ones, each atomically; keeps the previous configuration as
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
 * Starts the load balancer with the files in that directory (absolute). Mounts the directory, not the file, so that
 * replaced files are visible.
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

/** Reloads nginx without dropping requests, and waits up to 10 s until the new configuration is in use. */
export function reloadConfiguration(container: string, digest: string): Command {
  const text = [
    `docker exec "$1" nginx -c ${CONFIGURATION} -s reload || exit`,
    'i=0; while [ $i -lt 50 ]; do',
    '[ "$(docker exec "$1" curl --noproxy "*" -s -m 2 http://127.0.0.1:8089/configuration)" != "$2" ] || exit 0',
    'i=$((i + 1)); sleep 0.2; done',
    'echo "nginx kept its previous configuration" >&2; exit 75',
  ].join('\n');
  return changing('reload the nginx configuration', script(text, container, digest));
}

/** Digest of the configuration loaded by nginx. */
export const loadedConfiguration = (container: string): Query<string> => ({
  command: reading('query the loaded nginx configuration', [
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
    outcome.code === 0 ? present(outcome.stdout.trim()) : failedTo('query the loaded nginx configuration', outcome),
});
