import { BUNDLE } from './look.ts';
import type { Started } from './record.ts';

/** Where a secret may be in the arguments or the environment of a program, and why. Anything else is refused. */
export interface AllowedStart {
  readonly why: string;
  readonly secret: string;
  /** What holds it: one argument, or one variable with its value. */
  readonly in: 'argument' | 'variable';
  readonly begins: string;
  readonly by: (started: Started, containers: Containers) => boolean;
}

/** Host names inside the containers of a host: what their processes have as HOSTNAME. */
export type Containers = Readonly<Record<'database' | 'replicas', readonly string[]>>;

const isIn = ({ environment }: Started, hostnames: readonly string[]): boolean =>
  hostnames.some((name) => environment.includes(`HOSTNAME=${name}`));

/** Inputs of a step, by the secret that they are. */
const INPUTS = {
  'database password': 'DATABASE-PASSWORD',
  'registry password': 'REGISTRY-PASSWORD',
  'load balancer key': 'LOAD-BALANCER-KEY',
  'seal key': 'SEAL-KEY',
};

export const ALLOWED_STARTS: readonly AllowedStart[] = [
  ...Object.entries(INPUTS).map(([secret, input]): AllowedStart => ({
    why: `a runner on a host hands a step its inputs in the environment, the ${secret} among them; what the step starts gets none of it`,
    secret,
    in: 'variable',
    begins: `INPUT_${input}=`,
    by: ({ program, args }) => program.endsWith('/node') && args.length === 2 && args[1] === BUNDLE,
  })),
  {
    why: 'Kuscia starts its k3s with the DSN in the arguments (lab/images/kuscia/FIDELITY.md, "the database\'s password stands in the process list")',
    secret: 'database password',
    in: 'argument',
    begins: '--datastore-endpoint=mysql://',
    by: (started, { replicas }) =>
      /\/k3s$/.test(started.program) &&
      started.args[0] === 'k3s' &&
      started.args[1] === 'server' &&
      isIn(started, replicas),
  },
  {
    why: "the entrypoint of MySQL's image reads the password file and exports what it read to its own processes (docker-library/mysql, docker-entrypoint.sh, file_env)",
    secret: 'database password',
    in: 'variable',
    begins: 'MYSQL_PASSWORD=',
    by: (started, { database }) => isIn(started, database),
  },
];

/** A file of a host in which secrets may stand. */
export interface AllowedFile {
  readonly why: string;
  readonly path: RegExp;
  readonly access: string;
  readonly secrets: readonly string[];
}

const LAYER = '/var/lib/docker/overlay2/[0-9a-f]{64}/diff';
const FOLDER = '/home/deploy/kuscia-swarm/alice';

export const ALLOWED_FILES: readonly AllowedFile[] = [
  {
    why: 'the configuration that Kuscia reads',
    path: new RegExp(`^${FOLDER}/kuscia\\.yaml$`),
    access: '600 deploy:deploy',
    secrets: ['database password', 'domain key', 'domain key, as PEM'],
  },
  {
    why: 'what the database container reads its password from',
    path: new RegExp(`^${FOLDER}/database-password$`),
    access: '600 deploy:deploy',
    secrets: ['database password'],
  },
  {
    why: 'what nginx reads its key from',
    path: new RegExp(`^${FOLDER}/nginx/certificate\\.key$`),
    access: '600 deploy:deploy',
    secrets: ['load balancer key'],
  },
  {
    why: "Kuscia writes the domain's key into its container, readable there by all",
    path: new RegExp(`^${LAYER}/home/kuscia/var/certs/(?:domain|ca)\\.key$`),
    access: '644 root:root',
    secrets: ['domain key, as PEM'],
  },
];

/** Folders in which Docker, and what runs in it, keep their own; there only secrets are looked for. */
export const NOT_OURS = /^\/(?:var\/lib\/docker|run\/docker|run\/containerd|proc)\//;

const PRIVATE_FOLDERS = { [FOLDER.replace('/alice', '')]: 'd 700 deploy:deploy', [FOLDER]: 'd 700 deploy:deploy' };
const REPLICA = `${FOLDER}/deploy-kuscia-autonomy-alice`;

/** The files outside of those folders, on the first host and on those of replicas, with type, mode and owner. There must be no others. */
export const MADE: Readonly<Record<'first' | 'replica', Readonly<Record<string, string>>>> = {
  first: {
    ...PRIVATE_FOLDERS,
    [`${FOLDER}/database-password`]: 'f 600 deploy:deploy',
    [`${FOLDER}/database-root-password`]: 'f 600 deploy:deploy',
    '/run/lock/kuscia-swarm': 'd 2770 deploy:docker',
    '/run/lock/kuscia-swarm/alice.guard': 'f 660 deploy:docker',
    '/run/lock/kuscia-swarm/alice.lease': 'f 660 deploy:docker',
    [`${FOLDER}/nginx`]: 'd 755 deploy:deploy',
    [`${FOLDER}/nginx/certificate.key`]: 'f 600 deploy:deploy',
    [`${FOLDER}/nginx/certificate.pem`]: 'f 600 deploy:deploy',
    [`${FOLDER}/nginx/nginx.conf`]: 'f 644 deploy:deploy',
  },
  replica: {
    ...PRIVATE_FOLDERS,
    [`${FOLDER}/kuscia.yaml`]: 'f 600 deploy:deploy',
    [`${FOLDER}/kuscia.sh`]: 'f 700 deploy:deploy',
    // kuscia.sh makes these for everybody (FIDELITY.md); the private folder above them lets nobody through.
    [REPLICA]: 'd 777 deploy:deploy',
    [`${REPLICA}/data`]: 'd 777 deploy:deploy',
    [`${REPLICA}/images`]: 'd 777 deploy:deploy',
    [`${REPLICA}/logs`]: 'd 777 deploy:deploy',
  },
};

/** Whether Kuscia itself made it, in the folders that are its own. */
export const isOfKuscia = (path: string): boolean => /\/(?:data|images|logs)\//.test(path) && path.startsWith(REPLICA);
