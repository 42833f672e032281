import { paths, runner } from './places.ts';
import { initOf } from './processes.ts';

// The command can resolve the lab's names; the machine's own /etc is not changed.
const asRunner = `mount --bind "$1" /etc/hosts
if [ -e /etc/resolv.conf ]; then mount --bind "$2" /etc/resolv.conf; fi
hostname ${runner.name}
shift 2
exec "$@"`;

// With a socket as its input, bash assumes that it is a remote shell and reads the user's .bashrc, hence --norc.
/** The command line that runs a command in the runner place: the machine's files, the lab's network. It becomes the command: same process, terminal and signals. */
export function inRunner(argv: readonly string[]): string[] {
  return [
    'nsenter',
    `--net=${paths.runner}`,
    'unshare',
    '--mount',
    '--uts',
    'bash',
    '--norc',
    '-ec',
    asRunner,
    runner.name,
    paths.hostsFile,
    paths.resolvConf,
    ...argv,
  ];
}

/** The command line that runs a command inside a host, without its sshd, as root; throws if the host has no power. */
export function inHost(name: string, argv: readonly string[]): string[] {
  const init = initOf(name);
  if (init === undefined) throw new Error(`${name} is not running`);
  // nsenter waits outside while the command runs inside: if nsenter is killed, the command must end too.
  return [
    'nsenter',
    `--target=${init}`,
    '--mount',
    '--uts',
    '--ipc',
    '--net',
    '--pid',
    'setpriv',
    '--pdeathsig=TERM',
    'env',
    '--chdir=/root',
    ...argv,
  ];
}

/** The environment of a command inside a host: that of a login, with the caller's additions. */
export function hostEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const path = `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  return {
    PATH: path,
    HOME: '/root',
    USER: 'root',
    LOGNAME: 'root',
    LANG: 'C.UTF-8',
    TERM: process.env['TERM'] ?? 'dumb',
    ...extra,
  };
}
