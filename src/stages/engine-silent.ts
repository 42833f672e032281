import { NO_DOCKER, PODMAN } from '../docker/facts.ts';
import type { Failure } from '../engine/errors.ts';
import { SOCKET, type Setup } from '../host/setup.ts';
import { REQUIRED } from '../kuscia/requirements.ts';

const INSTALL = `Install the Docker Engine there (${REQUIRED.engine} or newer), then run again.`;

type Silent = Pick<Failure, 'cause' | 'remedy'> & Partial<Pick<Failure, 'what'>>;

/** An engine that gave no answer, with what explains it: what the host shows of its Docker, where that is known. */
export function engineSilent(host: string, why: string, setup?: Setup): Failure {
  const { what = 'the Docker Engine does not answer', ...rest } = explanation(why, setup);
  return { code: 'engine-unreachable', host, what, evidence: setup ? withPlaces(why, setup) : why, ...rest };
}

/** Where the shell looked, and where docker is, if it is not there that it looked. */
function withPlaces(why: string, { docker, path, found }: Setup): string {
  return docker === '' ? `${why}\nPATH is ${path}${found.length > 0 ? `\ndocker is ${found.join(', ')}` : ''}` : why;
}

function explanation(why: string, setup: Setup | undefined): Silent {
  if (why === PODMAN) return { cause: 'Podman stands in for Docker there; it has no swarm mode', remedy: `${INSTALL} Remove Podman's stand-in before (package podman-docker).` };
  if (why === NO_DOCKER || setup?.docker === '') return notOnPath(setup);
  const [other] = setup?.elsewhere ?? [];
  if (other) return { cause: `this login's docker talks to ${other.at} (set by ${other.by}), not to the engine of this host`, remedy: elsewhereRemedy(other.by) };
  if (setup?.socket === 'denied') {
    return { cause: 'the login may not speak to the Docker Engine', remedy: 'Put the account into group docker there (usermod -aG docker USER), or let it get that group by sudo (sudo: true in the cluster file); then run again.' };
  }
  if (setup?.socket === 'absent') {
    return { cause: `the Docker Engine does not run: there is no ${SOCKET}`, remedy: `Start it there (systemctl start docker); if it ends again, journalctl -u docker says why. Where it is not installed: ${INSTALL}` };
  }
  return { remedy: 'On the host, as that login, docker version must show a Server. If it does not: systemctl status docker; journalctl -u docker -n 50.' };
}

/** Without docker on the PATH nothing is known of the engine. */
function notOnPath(setup: Setup | undefined): Silent {
  const what = NO_DOCKER;
  const [found] = setup?.found ?? [];
  const cause = 'commands over SSH run in a non-interactive shell, which reads no profile: its PATH may be shorter than the one you see when you log in';
  const path = 'add the folder of docker to the PATH of non-interactive logins: in /etc/environment, with SetEnv in sshd_config, or in ~/.ssh/environment';
  if (found !== undefined) return { what, cause, remedy: `Link it into a folder that is on the PATH: ln -s ${found} ${linkFolder(setup)}/docker. Or ${path}. Then run again.` };
  if (setup) return { what, cause: 'docker is not installed there, or in an unusual place', remedy: `${INSTALL} If it is installed, ${path}.` };
  return { what, cause, remedy: `See where docker is (command -v docker in a login shell) and link it into /usr/local/bin, or ${path}. If it is not installed: ${INSTALL}` };
}

/** Of the folders that are meant for it, the first that is looked through. */
const linkFolder = (setup: Setup | undefined): string => ['/usr/local/bin', '/usr/bin', '/bin'].find((folder) => setup?.path.split(':').includes(folder)) ?? '/usr/bin';

/** How a login comes back to the engine of its own host. */
export function elsewhereRemedy(by: string): string {
  if (by === 'DOCKER_HOST' || by === 'DOCKER_CONTEXT') {
    return `Take ${by} out of the login's environment on that host (~/.bashrc, ~/.ssh/environment, /etc/environment, SetEnv in sshd_config), then run again: the swarm, kuscia.sh and all checks must use the engine behind ${SOCKET}.`;
  }
  return `As that login, on that host: docker context use default; then run again. The swarm, kuscia.sh and all checks must use the engine behind ${SOCKET}.`;
}
