import type { Role } from './cluster.ts';
import type { Problem } from './problem.ts';
import type { Draft, DraftHost } from './shape.ts';

type RoledHost = DraftHost & { readonly roles: readonly Role[] };

/** Roles that contradict each other on a host, and roles that too few or too many hosts have. */
export function roleProblems(draft: Draft): Problem[] {
  const hosts = draft.hosts ?? [];
  const roled = hosts.filter((host): host is RoledHost => host.roles !== undefined);
  const contradictions = roled.flatMap(hostProblems);
  const complete = draft.hosts !== undefined && roled.length === hosts.length;
  return complete ? [...contradictions, ...countProblems(roled), ...databaseProblems(roled, draft)] : contradictions;
}

function hostProblems(host: RoledHost): Problem[] {
  const at = (index: number): Problem['path'] => ['hosts', host.name, 'roles', index];
  const repeated = host.roles.flatMap((role, i): Problem[] =>
    host.roles.indexOf(role) < i ? [{ path: at(i), at: 'value', text: `"${role}" stands twice` }] : [],
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
            text: '"worker" contradicts "manager": a host of the swarm is one or the other',
          },
        ]
      : []),
  ];
}

function countProblems(hosts: readonly RoledHost[]): Problem[] {
  const managers = having(hosts, 'manager');
  const problems = [...exactlyOne(hosts, 'load-balancer')];
  if (having(hosts, 'replica').length === 0) problems.push(none('replica', 'at least one is needed, two is usual'));
  if (![1, 3, 5].includes(managers.length)) {
    const count = managers.length === 0 ? 'no host has' : `${managers.length} hosts have`;
    problems.push({
      path: ['hosts'],
      at: 'key',
      text:
        `${count} the role "manager"; must be 1, 3 or 5, for the swarm can be changed only while more than half of ` +
        'them answer',
    });
  }
  return problems;
}

function databaseProblems(hosts: readonly RoledHost[], draft: Draft): Problem[] {
  if (draft.database === undefined) return [];
  if (draft.database.external === undefined)
    return exactlyOne(hosts, 'database', ' (or describe an external one under "database")');
  return having(hosts, 'database').map((host) =>
    surplus(host, 'database', 'contradicts the external database: no host runs one'),
  );
}

function exactlyOne(hosts: readonly RoledHost[], role: Role, instead = ''): Problem[] {
  const [first, ...others] = having(hosts, role);
  if (!first) return [none(role, `exactly one is needed${instead}`)];
  return others.map((host) => surplus(host, role, `is the role of ${first.name} already; exactly one host has it`));
}

const having = (hosts: readonly RoledHost[], role: Role): RoledHost[] =>
  hosts.filter((host) => host.roles.includes(role));

const none = (role: Role, rule: string): Problem => ({
  path: ['hosts'],
  at: 'key',
  text: `no host has the role "${role}"; ${rule}`,
});

const surplus = (host: RoledHost, role: Role, text: string): Problem => ({
  path: ['hosts', host.name, 'roles', host.roles.indexOf(role)],
  at: 'value',
  text: `"${role}" ${text}`,
});
