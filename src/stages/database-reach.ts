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
  if ('turnedAway' in value) return `the server greets with error ${value.turnedAway}`;
  return value.narrow === 0
    ? 'small packets arrive, packets of 1200 bytes do not'
    : `packets of ${value.narrow} bytes arrive, packets of ${value.lost} bytes do not`;
}

const OBSERVATIONS: Readonly<Record<Extract<Greeting, string>, string>> = {
  greeted: 'greeted',
  late: 'the connection comes about, but no greeting in 4 s',
  silent: 'no answer in 4 s',
  refused: 'connection refused',
  'no route': 'no route, or turned back on the way',
  unresolved: 'its name does not resolve in a container',
  'another program': 'what answers there is no MySQL server',
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
      what: `whether a container on ${host.name} reaches ${where} could not be tried`,
      evidence: describeGreeting(fact),
      remedy: `See that the probe on ${host.name} runs (docker logs ${cluster.domain}-probe), then run again.`,
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
    cause: 'the database answers too slowly, or something between it and the host does: Kuscia gives up after 5 s',
    remedy:
      'Look at the load of the database and of its host, and at what stands between (a proxy, a firewall that ' +
      'inspects); where the server looks up client names, set skip-name-resolve. Then run again.',
  }),
  silent: ({ database }, address, reached) =>
    onlyContainersBlocked(reached) ?? {
      cause: `packets from ${reached.host.name} to ${address} are dropped on the way, or nothing has that address`,
      remedy:
        `Open ${database.port}/tcp from ${reached.host.name} to ${address} (a firewall between them, or on ` +
        `${address}), and see that the address is right. Then run again.`,
    },
  'no route': ({ database }, address, reached) =>
    onlyContainersBlocked(reached) ?? {
      cause: `${reached.host.name} has no way to ${address}, or a firewall turns its packets back`,
      remedy:
        `See that ${address} is up and that ${reached.host.name} has a route to it (ip route get ${address}); open ` +
        `${database.port}/tcp there. Then run again.`,
    },
  refused: ({ database }, address, reached) =>
    onlyContainersBlocked(reached) ?? {
      cause: `nothing listens on port ${database.port} of ${address}, or a firewall turns the connection back`,
      remedy:
        `See that the database runs and listens on ${database.port} of ${address}, not on 127.0.0.1 only ` +
        '(bind-address, the port in the cluster file). Then run again.',
    },
  'another program': ({ database }, address) => ({
    cause: `another program listens on port ${database.port} of ${address}`,
    remedy:
      `See what listens there (ss -ltnp 'sport = :${database.port}'), and give the right port in the cluster file. ` +
      'Then run again.',
  }),
};

/** If the host itself can connect, the fault lies in how it handles its containers' packets. */
function onlyContainersBlocked({ host, fromHost }: Reached): Explanation | undefined {
  if (fromHost === undefined || valueOf(fromHost) !== true) return undefined;
  return {
    cause:
      `${host.name} itself gets a connection there, its containers do not: ${host.name} does not forward or ` +
      'translate their packets, or its firewall stops them',
    remedy:
      `On ${host.name}: sysctl net.ipv4.ip_forward must be 1, and Docker's chains must be there (iptables -nL ` +
      'DOCKER-USER, iptables -t nat -nL POSTROUTING); systemctl restart docker makes them anew. A firewall must ' +
      'let containers out. Then run again.',
  };
}

const rejectedWith = (host: Host, code: number): Explanation => ({
  cause:
    code === 1040
      ? 'the server has too many connections'
      : code === 1129
        ? `the server has blocked ${host.name} after too many broken connections`
        : `the server does not let ${host.name} in`,
  remedy:
    code === 1040
      ? 'Raise max_connections of the server, or end what holds its connections. Then run again.'
      : code === 1129
        ? 'On the server: mysqladmin flush-hosts (or FLUSH HOSTS). Then run again.'
        : `Let the user in from ${host.name} (CREATE USER ...@'HOST'); the MySQL error reference has the number. ` +
          'Then run again.',
});

const narrowPath = ({ database }: Cluster, host: Host, passes: number): Explanation => ({
  code: 'database-path-narrow',
  what:
    `packets over ${passes === 0 ? 'some 200' : passes} bytes are lost between containers on ${host.name} and the ` +
    'database',
  cause:
    'something on the way carries smaller packets than containers send, and drops the others without a word (a ' +
    'VPN, a tunnel, a cloud network, a firewall)',
  remedy:
    `Let the way from ${host.name} to port ${database.port} carry packets of 1500 bytes. Where it cannot, tell the ` +
    `hosts: set that MTU on the network interface of ${host.name} (ip link set dev INTERFACE mtu ` +
    `${passes || 1200}), which then tells its containers. Then run again.`,
  definite: true,
});

/** The failure of a server that accepts no login without TLS: Kuscia's data source cannot ask for TLS. */
export const wantsTls = ({ database }: Cluster, host: Host, evidence: string): Failure => ({
  code: 'database-wants-tls',
  host: host.name,
  what: `the database wants TLS, and Kuscia's connection has none`,
  evidence,
  cause: 'require_secure_transport is set on the server, or its user was made with REQUIRE SSL or X509',
  remedy:
    `Let ${database.user} log in without TLS (SET GLOBAL require_secure_transport = OFF, ALTER USER ` +
    `${database.user} REQUIRE NONE), on a network that is your own; or give Kuscia a server that does. Then run ` +
    'again.',
  definite: true,
});

/** The failure of a server that asks for a login method that would reveal the password to an impostor. */
export const withheld = ({ database, domain }: Cluster, host: Host, method: string): Failure => ({
  code: 'database-login-withheld',
  host: host.name,
  what: 'the database wants the password itself, and nothing proves that it is the right one: it was not given',
  evidence: `authentication method ${method}`,
  ...(method === SHA2 && {
    cause:
      'the server has no password of that user in its cache (caching_sha2_password): it was started anew, and no ' +
      'replica has logged in since',
  }),
  remedy:
    method === SHA2
      ? `Run the deployment (mode: apply): it logs in once as Kuscia does, after which challenges do. Or give the ` +
        `CA of the server (database.tls), by which it can prove itself.`
      : `Make the user ${database.user} log in by caching_sha2_password or mysql_native_password (ALTER USER ` +
        `${database.user} IDENTIFIED WITH ...): by these nobody reads the password of ${domain}. Then run again.`,
  definite: true,
});

/** A method with which the server, once it has seen the password, is content with a challenge. */
export const SHA2 = 'caching_sha2_password';

/** The failure of a server that did not prove its identity by the CA of the cluster file. */
export const untrusted = ({ database }: Cluster, host: Host, evidence: string): Failure => ({
  code: 'database-untrusted',
  host: host.name,
  what: 'the database does not prove itself by the CA in database.tls: it was given no password',
  evidence,
  cause: 'the certificate of the server is of another CA or out of date, the server has none, or somebody poses as it',
  remedy:
    'Compare the CA with that of the server (ssl_ca, ca.pem in its data folder), and its certificate with what ' +
    `answers: openssl s_client -starttls mysql -showcerts -connect ADDRESS:${database.port}. Then correct the one ` +
    'or the other and run again.',
  definite: true,
});

/**
 * The failure of a server whose large answers are lost: it accepts the login, but a row of 4000 bytes never arrives.
 */
export const answersLost = ({ database }: Cluster, host: Host): Failure => ({
  code: 'database-path-narrow',
  host: host.name,
  what: `large packets from the database to containers on ${host.name} are lost`,
  evidence: 'the login is accepted, a row of 4000 bytes does not arrive in 12 s',
  cause:
    'something on the way carries smaller packets than the server sends, and drops the others without a word (a ' +
    'VPN, a tunnel, a cloud network, a firewall)',
  remedy:
    `Let the way from port ${database.port} of the server to ${host.name} carry packets of 1500 bytes, or set its ` +
    'smaller MTU on the network interfaces at both ends. Then run again.',
  definite: true,
});
