import { exec, hosts } from '../../../lab/lab.ts';
import { DATABASE_PASSWORD } from '../deployment/action.ts';
import { HOSTS, type Fault } from './fault.ts';

/** A container of the deployment at one moment. */
interface Container {
  readonly host: string;
  readonly name: string;
  readonly id: string;
  /** Docker's word: `running`, `exited`, ... */
  readonly state: string;
  readonly startedAt: string;
  /** A replica answers with its own name, the database accepts the login, the load balancer forwards to a replica, the probe runs. */
  readonly works: boolean;
  /** Crash recoveries in its log; only a database has any. */
  readonly recoveries: number;
}

/** What ran and worked at one moment, on all hosts that have power. */
export interface Sample {
  readonly containers: readonly Container[];
  /** Names of the replicas that answered through the load balancer. */
  readonly led: readonly string[];
}

/** The exceptions of a row: containers that its run should replace or restart, and hosts whose containers may be missing until the fault is fixed. */
export type Granted = Pick<Fault, 'replaces' | 'takes'>;

/**
 * Asks one host, in one command and past the product. Each replica is asked inside its own network, so that what a cut network hides is not taken for
 * broken; the load balancer by the port that its host publishes, as peers ask it. No proxy is used.
 */
const LOOK = `ask() { curl -iks --noproxy '*' -H 'Connection: close' "$@"; }
docker container ls -aq --no-trunc | xargs -r docker container inspect -f '{{slice .Name 1}} {{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}} {{.State.Pid}} {{.Config.Hostname}} {{with index .NetworkSettings.Ports "8080/tcp"}}{{(index . 0).HostPort}}{{end}}' 2>/dev/null |
while read -r name id state started restarts pid hostname port; do
  # One that ends over and over runs for a moment each time.
  [ "$restarts" = 0 ] || [ $(($(date +%s) - $(date -d "$started" +%s))) -ge 15 ] || state=restarting
  works=no recoveries=0
  case $name in
  *-kuscia-autonomy-alice)
    for scheme in https http; do [ "$pid" = 0 ] || ! nsenter -t "$pid" -n curl -iks --noproxy '*' -m 5 "$scheme://127.0.0.1:1080/" | grep -q "$hostname" || works=yes; [ $works = no ] || break; done ;;
  alice-mysql*)
    recoveries=$(docker logs "$id" 2>&1 | grep -c 'Starting crash recovery')
    [ "$state" != running ] || ! docker exec -e MYSQL_PWD "$id" mysql -h 127.0.0.1 -u kuscia -e 'SELECT 1' >/dev/null 2>&1 </dev/null || works=yes ;;
  alice-nginx-lb)
    led=$(timeout 20 curl -iks --noproxy '*' -H 'Connection: close' -m 10 "http://$1:$port/?[1-8]" | grep -oE '[a-z0-9]+-kuscia-autonomy-alice-[a-z0-9-]*[a-z0-9]' | sort -u)
    for each in $led; do works=yes; echo "led $each"; done ;;
  alice-probe) [ "$state" != running ] || works=yes ;;
  *) continue ;;
  esac
  echo "container $name $id $state $started $works $recoveries"
done`;

/** What runs and works now. A host without power, or whose engine does not answer, has nothing. */
export async function sampled(): Promise<Sample> {
  const places = hosts.filter(({ name }) => HOSTS.includes(name));
  const said = await Promise.all(
    places.map(async ({ name, address }) => ({ host: name, text: await look(name, address) })),
  );
  return sampleIn(said);
}

const look = async (host: string, address: string): Promise<string> => {
  const ended = await exec(host, ['bash', '-c', LOOK, 'bash', address], {
    env: { MYSQL_PWD: DATABASE_PASSWORD },
    timeoutMs: 60_000,
  }).catch(() => undefined);
  return ended?.stdout ?? '';
};

/** Parses the output of the hosts. */
export function sampleIn(said: readonly { readonly host: string; readonly text: string }[]): Sample {
  const lines = said.flatMap(({ host, text }) => text.split('\n').map((line) => ({ host, words: line.split(' ') })));
  return {
    containers: lines.flatMap(
      ({ host, words: [kind, name = '', id = '', state = '', startedAt = '', works, recoveries] }) =>
        kind === 'container'
          ? [{ host, name, id, state, startedAt, works: works === 'yes', recoveries: Number(recoveries) }]
          : [],
    ),
    led: lines.flatMap(({ words: [kind, name = ''] }) => (kind === 'led' ? [name] : [])),
  };
}

/** Harm between two samples, one line each: what worked and no longer does, what ran and no longer does, a working container restarted without need, a database that was killed. */
export const harmBetween = (before: Sample, after: Sample, granted: Granted = {}): string[] => [
  ...changedFor(before, after, granted),
  ...killed(before, after),
];

/** The same if only the final state matters, whatever was restarted or had no power. */
export const missing = (sound: Sample, now: Sample): string[] =>
  changedFor(sound, now, { replaces: sound.containers.map(nameOf) });

function changedFor(before: Sample, after: Sample, { replaces = [], takes = [] }: Granted): string[] {
  const now = new Map(after.containers.map((container) => [nameOf(container), container]));
  const kept = before.containers.filter(({ host }) => !takes.includes(host));
  const harmed = kept.flatMap((container) =>
    harmTo(container, now.get(nameOf(container)), replaces.includes(nameOf(container))).map(
      (what) => `${nameOf(container)} ${what}`,
    ),
  );
  const unled = before.led.filter(
    (name) =>
      !after.led.includes(name) &&
      !takes.some((host) => name.endsWith(`-${host}`)) &&
      !takes.includes(balancerOf(before)),
  );
  return [...harmed, ...unled.map((name) => `${name} no longer answers through the load balancer`)];
}

const nameOf = ({ host, name }: Container): string => `${host} ${name}`;
const balancerOf = ({ containers }: Sample): string =>
  containers.find(({ name }) => name === 'alice-nginx-lb')?.host ?? '';

function harmTo(before: Container, after: Container | undefined, granted: boolean): string[] {
  if (before.name.endsWith('.former') || (before.state !== 'running' && !before.works)) return [];
  if (after === undefined) return ['is gone'];
  if (after.state !== 'running') return [`no longer runs (${after.state})`];
  if (before.works && !after.works) return ['no longer works'];
  if (!before.works || granted) return [];
  if (before.id !== after.id) return ['was recreated'];
  return before.startedAt === after.startedAt ? [] : ['was restarted'];
}

/** Databases that had to recover from a crash since: their predecessor was killed. */
function killed(before: Sample, after: Sample): string[] {
  const earlier = new Map(before.containers.map(({ id, recoveries }) => [id, recoveries]));
  return after.containers
    .filter(({ id, recoveries }) => recoveries > (earlier.get(id) ?? 0))
    .map((container) => `${nameOf(container)} recovered from a crash`);
}
