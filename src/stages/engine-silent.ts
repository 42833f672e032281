import { NO_DOCKER, PODMAN } from '../docker/facts.ts';
import type { Failure } from '../engine/errors.ts';
import type { Setup } from '../host/setup.ts';
import { SOCKET } from '../host/setup-script.ts';
import { REQUIRED } from '../kuscia/requirements.ts';

const INSTALL = `Install the Docker Engine (${REQUIRED.engine} or newer) on that host, then run again.`;

type Explanation = Pick<Failure, 'cause' | 'remedy'> & Partial<Pick<Failure, 'what'>>;

/** The failure of an engine that gave no answer, explained by what the host shows of its Docker, if known. */
export function engineSilent(host: string, why: string, setup?: Setup): Failure {
  const { what = 'the Docker Engine does not answer', ...rest } = explanation(why, setup);
  return { code: 'engine-unreachable', host, what, evidence: setup ? withPlaces(why, setup) : why, ...rest };
}

/** Adds where the shell looked, and where docker is if it is somewhere else. */
function withPlaces(why: string, { docker, path, found }: Setup): string {
  if (docker !== '') return why;
  return [why, `PATH is ${path}`, ...(found.length > 0 ? [`docker is at ${found.join(', ')}`] : [])].join('\n');
}

function explanation(why: string, setup: Setup | undefined): Explanation {
  if (why === PODMAN) {
    return {
      cause: 'podman-docker is installed instead of Docker, and Podman has no swarm mode',
      remedy: `Remove the package podman-docker. ${INSTALL}`,
    };
  }
  if (why === NO_DOCKER || setup?.docker === '') return { what: NO_DOCKER, ...notOnPath(setup) };
  if (OLD_CLIENT.test(why))
    return {
      cause:
        "the docker client on that host is older than 18.09: it cannot connect to the engine's API (docker system " +
        'dial-stdio)',
      remedy: INSTALL,
    };
  const [other] = setup?.elsewhere ?? [];
  if (other) {
    const cause = `the login's docker talks to ${other.at} (set by ${other.by}), not to the engine of this host`;
    return { cause, remedy: otherEngineRemedy(other.by) };
  }
  return setup && setup.socket !== 'open' ? BY_SOCKET[setup.socket] : UNEXPLAINED;
}

/** What a client says that does not know the command. Source: docker/cli, cli/cobra.go; cli-plugins/manager. */
const OLD_CLIENT = /dial-stdio.* is not a docker command|unknown (?:docker )?command.*dial-stdio|docker system COMMAND/;

const BY_SOCKET: Readonly<Record<'absent' | 'denied', Explanation>> = {
  denied: {
    cause: 'the login is not allowed to use the Docker Engine',
    remedy:
      'On that host, add the account to group docker (usermod -aG docker USER), or let it get that group through ' +
      'sudo (sudo: true in the cluster file); then run again.',
  },
  absent: {
    cause: `the Docker Engine is not running: ${SOCKET} does not exist`,
    remedy:
      'On that host, start it: systemctl start docker. If it stops again, journalctl -u docker says why. ' +
      `If it is not installed: ${INSTALL}`,
  },
};

const UNEXPLAINED: Explanation = {
  remedy:
    'On that host, as that login, docker version must show a Server. ' +
    'If it does not, check systemctl status docker and journalctl -u docker -n 50. Then run again.',
};

const LONGER_PATH =
  'add its folder to the PATH of non-interactive logins: in /etc/environment, with SetEnv in sshd_config, or in ' +
  '~/.ssh/environment';

const NO_PROFILE =
  'commands over SSH run in a non-interactive shell, which reads no profile: its PATH may be shorter than that ' +
  'of an interactive login';

/** Without docker on the PATH, nothing is known about the engine. */
function notOnPath(setup: Setup | undefined): Explanation {
  const [found] = setup?.found ?? [];
  if (setup && found !== undefined) {
    const remedy =
      `Link docker into a folder on that PATH: ln -s ${found} ${linkFolder(setup)}/docker. Or ${LONGER_PATH}. Then ` +
      'run again.';
    return { cause: NO_PROFILE, remedy };
  }
  if (setup)
    return {
      cause: 'docker is not installed, or is in an unusual folder',
      remedy: `${INSTALL} If it is installed, ${LONGER_PATH}.`,
    };
  return {
    cause: NO_PROFILE,
    remedy:
      'Find docker on that host (command -v docker in an interactive login) and link it into /usr/local/bin, ' +
      `or ${LONGER_PATH}. If it is not installed: ${INSTALL}`,
  };
}

/** The first folder on the PATH that is meant for such links. */
const linkFolder = ({ path }: Setup): string =>
  ['/usr/local/bin', '/usr/bin', '/bin'].find((folder) => path.split(':').includes(folder)) ?? '/usr/bin';

/** How to point a login back to the engine of its own host. */
export function otherEngineRemedy(by: string): string {
  const why = `The swarm, kuscia.sh and all checks must use the engine behind ${SOCKET}.`;
  if (!by.startsWith('DOCKER_'))
    return `On that host, as that login: docker context use default. Then run again. ${why}`;
  return (
    `Remove ${by} from the login's environment on that host (~/.bashrc, ~/.ssh/environment, /etc/environment, ` +
    `SetEnv in sshd_config), then run again. ${why}`
  );
}
