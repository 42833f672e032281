import { exec } from '../../../lab/lab.ts';

/** The state of a host, queried independently of the product: standard output of a command that must succeed. */
export async function seenOn(host: string, script: string): Promise<string> {
  const ended = await exec(host, ['bash', '-c', script]);
  if (ended.code !== 0) throw new Error(`${host}: ${script}: ${ended.code} ${ended.stderr}`);
  return ended.stdout.trim();
}

/** The answer to a statement of the root of alice's database, in its own container, the only place where root can log in. */
export const asDatabaseRoot = (statement: string): Promise<string> =>
  seenOn(
    'node-01',
    `docker exec alice-mysql sh -c 'MYSQL_PWD=$(cat /run/secrets/database-root-password) exec mysql --protocol=socket -u root --batch --skip-column-names -e "$1"' sh "${statement}"`,
  );

/** Commands of a deployment that still run on a host. */
export const leftRunning = (host: string): Promise<string> =>
  seenOn(
    host,
    `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep -E '^(bash )?(docker (run|exec|pull|start)|\\./kuscia\\.sh|script )' || true`,
  );

/** The lease of alice on a host: who holds it, '' for nobody, and for how many seconds more. */
export async function leaseOn(host: string): Promise<{ readonly holder: string; readonly lasts: number }> {
  const [holder = '', lasts = '0'] = (
    await seenOn(
      host,
      `{ read -r holder; read -r until; } </run/lock/kuscia-swarm/alice.lease; echo ".$holder"; echo $((until - $(date +%s)))`,
    )
  ).split('\n');
  return { holder: holder.slice(1), lasts: Number(lasts) };
}

/** Everything of a host that a deployment could have touched, as lines that can be compared. */
export function stateOf(host: string): Promise<string> {
  return seenOn(
    host,
    `docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.NodeID}}'
     docker container ls -a --no-trunc --format '{{.ID}} {{.Names}} {{.Status}}' | sed 's/Up .*/Up/' | sort
     docker network ls --no-trunc --format '{{.ID}} {{.Name}} {{.Driver}}' | sort
     docker volume ls --format '{{.Name}}' | sort
     docker image ls --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
     find /root /home /etc /tmp /var/tmp -xdev -newer /etc/machine-id -type f -printf '%p %m %s\\n' 2>/dev/null | grep -v known_hosts | sort`,
  );
}

/** Replica names that answer through a URL when it is asked so often from the first host, each with how often it did. */
export async function answering(url: string, times = 12): Promise<Record<string, number>> {
  const said = await seenOn('node-01', `for i in $(seq ${times}); do curl -ks -m 5 ${url}; echo; done`);
  const names = said.split('\n').flatMap((line) => /"instance":"([^"]+)"/.exec(line)?.[1] ?? []);
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, same]) => [name, same.length]));
}

/** Ids of containers by name, to see which were recreated. */
export async function containerIds(host: string): Promise<Record<string, string>> {
  const lines = (await seenOn(host, `docker container ls -a --no-trunc --format '{{.Names}} {{.ID}}'`)).split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' ') as [string, string]));
}
