import type { Role } from './cluster.ts';
import type { Problem } from './problem.ts';
import type { PartialClusterFile, PartialHost } from './shape.ts';

type RoledHost = PartialHost & { readonly roles: readonly Role[] };

/** Reports conflicting roles on a host, and roles held by too few or too many hosts. */
export function roleProblems(file: PartialClusterFile): Problem[] {
  const hosts = file.hosts ?? [];
  const roled = hosts.filter((host): host is RoledHost => host.roles !== undefined);
  const contradictions = roled.flatMap(hostProblems);
  const complete = file.hosts !== undefined && roled.length === hosts.length;
  return complete ? [...contradictions, ...countProblems(roled), ...databaseProblems(roled, file)] : contradictions;
}

function hostProblems(host: RoledHost): Problem[] {
  const at = (index: number): Problem['path'] => ['hosts', host.name, 'roles', index];
  const repeated = host.roles.flatMap((role, i): Problem[] =>
    host.roles.indexOf(role) < i ? [{ path: at(i), at: 'value', text: `"${role}" is listed twice` }] : [],
  );
  const worker = host.roles.indexOf('worker');
  const contradiction = worker >= 0 && host.roles.includes('manager');
  return [
    ...repeated,
    ...(contradiction
      ? [
          {
            path: at(worker),
            at: 'value' as const,
            text: '"worker" conflicts with "manager": a swarm host is one or the other',
          },
        ]
      : []),
  ];
}

function countProblems(hosts: readonly RoledHost[]): Problem[] {
  const managers = withRole(hosts, 'manager');
  const problems = [...exactlyOne(hosts, 'load-balancer')];
  if (withRole(hosts, 'replica').length === 0)
    problems.push(missingRole('replica', 'at least one is required, two are usual'));
  if (![1, 3, 5].includes(managers.length)) {
    const count = managers.length === 0 ? 'no host has' : `${managers.length} hosts have`;
    problems.push({
      path: ['hosts'],
      at: 'key',
      text: `${count} the role "manager"; there must be 1, 3 or 5, because the swarm needs a majority of its managers`,
    });
  }
  return problems;
}

function databaseProblems(hosts: readonly RoledHost[], file: PartialClusterFile): Problem[] {
  if (file.database === undefined) return [];
  if (file.database.external === undefined) return exactlyOne(hosts, 'database', ' (or define "database.external")');
  return withRole(hosts, 'database').map((host) =>
    extraRole(host, 'database', 'conflicts with "database.external": no host may run a database'),
  );
}

function exactlyOne(hosts: readonly RoledHost[], role: Role, instead = ''): Problem[] {
  const [first, ...others] = withRole(hosts, role);
  if (!first) return [missingRole(role, `exactly one is required${instead}`)];
  return others.map((host) => extraRole(host, role, `is already assigned to ${first.name}; only one host may have it`));
}

const withRole = (hosts: readonly RoledHost[], role: Role): RoledHost[] =>
  hosts.filter((host) => host.roles.includes(role));

const missingRole = (role: Role, rule: string): Problem => ({
  path: ['hosts'],
  at: 'key',
  text: `no host has the role "${role}"; ${rule}`,
});

const extraRole = (host: RoledHost, role: Role, text: string): Problem => ({
  path: ['hosts', host.name, 'roles', host.roles.indexOf(role)],
  at: 'value',
  text: `"${role}" ${text}`,
});
