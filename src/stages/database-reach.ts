import type { Cluster, Host } from '../cluster/cluster.ts';
import { seen, type About } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, whyNot, type Fact } from '../engine/fact.ts';
import type { Plan } from '../engine/plan.ts';
import type { Greeting } from '../mysql/greeting.ts';
import { unresolved } from './data-path.ts';

/**
 * How the database answers a container on a replica's host and, where it does not answer at all, how it answers the
 * host itself.
 */
export interface Reached {
  readonly host: Host;
  readonly fact: Fact<Greeting>;
  readonly fromHost?: Fact<boolean>;
}

/** Whether the server sent its greeting in time. */
export const isGreeted = (fact: Fact<Greeting>): boolean => valueOf(fact) === 'greeted';

/** What was observed of a server that sends no greeting, in words. */
function describeGreeting(fact: Fact<Greeting>): string {
  if (fact.is !== 'present') return whyNot(fact);
  const { value } = fact;
  if (typeof value === 'string') return OBSERVATIONS[value];
  if ('turnedAway' in value) return `the server answers with error ${value.turnedAway}`;
  return value.narrow === 0
    ? 'small packets arrive, packets of 1200 bytes do not'
    : `packets of ${value.narrow} bytes arrive, packets of ${value.lost} bytes do not`;
}

const OBSERVATIONS: Readonly<Record<Extract<Greeting, string>, string>> = {
  greeted: 'greeted',
  late: 'connected, but no greeting in 4 s',
  silent: 'no answer in 4 s',
  refused: 'connection refused',
  'no route': 'no route, or rejected on the way',
  unresolved: 'its name does not resolve in a container',
  'another program': 'the answer is not from a MySQL server',
  'wants TLS': 'error 3159',
};

/** Plans that a container on each replica's host can reach the database. */
export function planReach(plan: Plan, cluster: Cluster, address: string, reached: readonly Reached[]): void {
  const about: About = { kind: 'connect', thing: 'database' };
  for (const each of reached) {
    const { host, fact } = each;
    if (isGreeted(fact)) {
      plan.satisfied.push({ host: host.name, about, why: seen(`${address}:${cluster.database.port}`) });
      continue;
    }
    const failure = reachFailure(cluster, address, each);
    if (failure.definite) plan.failures.push(failure);
    else plan.awaited.push({ host: host.name, about, why: seen(describeGreeting(fact)), failure });
  }
}

type Explanation = Pick<Failure, 'cause' | 'remedy'> & Partial<Pick<Failure, 'code' | 'what' | 'definite'>>;

/** The failure of a host whose containers cannot use the database. */
export function reachFailure(cluster: Cluster, address: string, reached: Reached): Failure {
  const { host, fact } = reached;
  const where = `the database at ${address}:${cluster.database.port}`;
  if (fact.is !== 'present')
    return {
      code: 'fact-unknown',
      host: host.name,
      what: `cannot tell whether a container on ${host.name} reaches ${where}`,
      evidence: describeGreeting(fact),
      remedy: `Check that the probe on ${host.name} is running (docker logs ${cluster.domain}-probe), then run again.`,
    };
  if (fact.value === 'unresolved') return unresolved(host, address);
  const { value } = fact;
  if (value === 'wants TLS') return wantsTls(cluster, host, describeGreeting(fact));
  const explanation =
    typeof value !== 'string'
      ? 'turnedAway' in value
        ? rejectedWith(host, value.turnedAway)
        : narrowPath(cluster, host, value.narrow)
      : EXPLAINERS[value === 'greeted' ? 'late' : value](cluster, address, reached);
  return {
    code: 'database-unreachable',
    host: host.name,
    what: `a container on ${host.name} cannot reach ${where}`,
    evidence: describeGreeting(fact),
    ...explanation,
  };
}

const EXPLAINERS: Readonly<
  Record<
    Exclude<Extract<Greeting, string>, 'greeted' | 'unresolved' | 'wants TLS'>,
    (cluster: Cluster, address: string, reached: Reached) => Explanation
  >
> = {
  late: ({ database }, address, { host }) => ({
    what: `the database at ${address}:${database.port} answers a container on ${host.name} too slowly`,
    cause: 'the database is slow, or something between it and the host is: Kuscia gives up after 5 s',
    remedy:
      'Check the load of the database and its host, and anything in between (a proxy, an inspecting firewall); if ' +
      'the server looks up client names, set skip-name-resolve. Then run again.',
  }),
  silent: ({ database }, address, reached) =>
    onlyContainersBlocked(reached) ?? {
      cause: `packets from ${reached.host.name} to ${address} are dropped on the way, or no machine has that address`,
      remedy:
        `Open ${database.port}/tcp from ${reached.host.name} to ${address} (a firewall between them, or on ` +
        `${address}), and check that the address is right. Then run again.`,
    },
  'no route': ({ database }, address, reached) =>
    onlyContainersBlocked(reached) ?? {
      cause: `${reached.host.name} has no route to ${address}, or a firewall rejects its packets`,
      remedy:
        `Check that ${address} is up, that ${reached.host.name} has a route to it (ip route get ${address}), and ` +
        `that ${database.port}/tcp is open. Then run again.`,
    },
  refused: ({ database }, address, reached) =>
    onlyContainersBlocked(reached) ?? {
      cause: `nothing listens on port ${database.port} of ${address}, or a firewall rejects the connection`,
      remedy:
        `Check that the database is running and listens on port ${database.port} of ${address}, not only on ` +
        '127.0.0.1 (bind-address, the port in the cluster file). Then run again.',
    },
  'another program': ({ database }, address) => ({
    cause: `another program listens on port ${database.port} of ${address}`,
    remedy:
      `Check what listens there (ss -ltnp 'sport = :${database.port}'), and correct the port in the cluster file. ` +
      'Then run again.',
  }),
};

/** If the host itself can connect, the fault lies in how it handles its containers' packets. */
function onlyContainersBlocked({ host, fromHost }: Reached): Explanation | undefined {
  if (fromHost === undefined || valueOf(fromHost) !== true) return undefined;
  return {
    cause:
      `${host.name} itself can connect, its containers cannot: ${host.name} does not forward or translate (NAT) ` +
      'their packets, or its firewall blocks them',
    remedy:
      `On ${host.name}: sysctl net.ipv4.ip_forward must be 1, and Docker's chains must exist (iptables -nL ` +
      'DOCKER-USER, iptables -t nat -nL POSTROUTING); systemctl restart docker recreates them. A firewall must ' +
      'allow connections from containers. Then run again.',
  };
}

const rejectedWith = (host: Host, code: number): Explanation => ({
  cause:
    code === 1040
      ? 'the server has too many connections'
      : code === 1129
        ? `the server has blocked ${host.name} after too many connection errors`
        : `the server does not allow connections from ${host.name}`,
  remedy:
    code === 1040
      ? 'Raise max_connections on the server, or stop the clients that hold its connections. Then run again.'
      : code === 1129
        ? 'On the server, run mysqladmin flush-hosts (or FLUSH HOSTS). Then run again.'
        : `Allow the user to connect from ${host.name} (CREATE USER ...@'HOST'); the MySQL error reference explains ` +
          'the number. Then run again.',
});

const narrowPath = ({ database }: Cluster, host: Host, passes: number): Explanation => ({
  code: 'database-path-narrow',
  what:
    `packets over ${passes === 0 ? 'about 200' : passes} bytes are lost between containers on ${host.name} and the ` +
    'database',
  cause:
    'something on the way (a VPN, a tunnel, a cloud network, a firewall) has a smaller MTU than containers use, and ' +
    'silently drops larger packets',
  remedy:
    `Make the path from ${host.name} to port ${database.port} carry packets of 1500 bytes. If that is not possible, ` +
    `set the smaller MTU on the network interface of ${host.name} (ip link set dev INTERFACE mtu ` +
    `${passes || 1200}); the host then tells its containers. Then run again.`,
  definite: true,
});

/** The failure of a server that accepts no login without TLS: Kuscia's data source cannot ask for TLS. */
export const wantsTls = ({ database }: Cluster, host: Host, evidence: string): Failure => ({
  code: 'database-wants-tls',
  host: host.name,
  what: 'the database requires TLS, which Kuscia does not use',
  evidence,
  cause: 'require_secure_transport is set on the server, or its user was created with REQUIRE SSL or X509',
  remedy:
    `Allow ${database.user} to log in without TLS (SET GLOBAL require_secure_transport = OFF, ALTER USER ` +
    `${database.user} REQUIRE NONE), on a private network only; or use a server that allows it. Then run again.`,
  definite: true,
});

/** The failure of a server that asks for a login method that would reveal the password to an impostor. */
export const withheld = ({ database, domain }: Cluster, host: Host, method: string): Failure => ({
  code: 'database-login-withheld',
  host: host.name,
  what: 'the database asks for the password itself but does not prove its identity: no password was sent',
  evidence: `authentication method ${method}`,
  ...(method === SHA2 && {
    cause:
      'the server does not have the password in its cache (caching_sha2_password): it was restarted, and no replica ' +
      'has logged in since',
  }),
  remedy:
    method === SHA2
      ? 'Run the deployment (mode: apply): it logs in once as Kuscia does; after that the server accepts a ' +
        'challenge. Or give the CA of the server (database.tls), so that it can prove its identity.'
      : `Make the user ${database.user} log in with caching_sha2_password or mysql_native_password (ALTER USER ` +
        `${database.user} IDENTIFIED WITH ...): these do not reveal the password of ${domain}. Then run again.`,
  definite: true,
});

/** The method with which the server, once it has cached the password, accepts a challenge. */
export const SHA2 = 'caching_sha2_password';

/** The failure of a server that could not be verified against the CA of the cluster file. */
export const untrusted = ({ database }: Cluster, host: Host, evidence: string): Failure => ({
  code: 'database-untrusted',
  host: host.name,
  what: 'the database could not be verified against the CA in database.tls: no password was sent',
  evidence,
  cause: 'its certificate is from another CA or has expired, it has no certificate, or another machine impersonates it',
  remedy:
    'Compare the CA with that of the server (ssl_ca, ca.pem in its data directory) and with the certificate that it ' +
    `presents: openssl s_client -starttls mysql -showcerts -connect ADDRESS:${database.port}. Correct whichever is ` +
    'wrong, then run again.',
  definite: true,
});

/**
 * The failure of a server whose large answers are lost: it accepts the login, but a row of 4000 bytes never arrives.
 */
export const answersLost = ({ database }: Cluster, host: Host): Failure => ({
  code: 'database-path-narrow',
  host: host.name,
  what: `large packets from the database to containers on ${host.name} are lost`,
  evidence: 'the login is accepted, but a row of 4000 bytes does not arrive in 12 s',
  cause:
    'something on the way (a VPN, a tunnel, a cloud network, a firewall) has a smaller MTU than the server uses, and ' +
    'silently drops larger packets',
  remedy:
    `Make the path from port ${database.port} of the server to ${host.name} carry packets of 1500 bytes, or set the ` +
    'smaller MTU on the network interfaces at both ends. Then run again.',
  definite: true,
});
