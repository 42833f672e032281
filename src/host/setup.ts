import { reading } from '../engine/command.ts';
import { failedTo, present, unknown, type Fact, type Query } from '../engine/fact.ts';
import { route } from './facts.ts';
import { RULES_SCRIPT, SETUP_SCRIPT, SOCKET } from './setup-script.ts';

/** Proxy variables that Docker's client sets in every container, from one of its configuration files. */
export interface ContainerProxy {
  readonly file: string;
  /** The engine they apply to: `default`, or its address. */
  readonly engine: string;
  /**
   * Those that are set: httpProxy, httpsProxy, ftpProxy, allProxy. Their values may contain a password and stay on the
   * host.
   */
  readonly keys: readonly string[];
  readonly noProxy: string;
}

/**
 * What else on a host decides whether Docker works for the login: client, environment, kernel, firewall.
 */
export interface Setup {
  /** PATH of the login's non-interactive shell. */
  readonly path: string;
  /** The docker program found there; '' if none. */
  readonly docker: string;
  /** Programs named docker in common places, on the PATH or not. */
  readonly found: readonly string[];
  /** Whether the engine's socket exists, and whether the login may write to it. */
  readonly socket: 'absent' | 'denied' | 'open';
  /**
   * Settings that direct the login's docker to another engine: where they are set, and the engine's address.
   */
  readonly elsewhere: readonly { readonly by: string; readonly at: string }[];
  readonly proxies: readonly ContainerProxy[];
  /**
   * Relevant daemon options, as far as they are readable: where they are set, name and value.
   */
  readonly options: readonly { readonly where: string; readonly name: string; readonly value: string }[];
  /** Kernel settings by name, if present. */
  readonly kernel: Readonly<Record<string, number>>;
  /** Why no pseudo-terminal can be opened; '' if one can. */
  readonly noTerminal: string;
  /**
   * Docker's firewall rules in iptables-save format after the table's name; undefined if the login may not read rules.
   */
  readonly rules: readonly string[] | undefined;
  /** Destinations of its IPv4 routes without a gateway. */
  readonly onLink: readonly string[];
}

/** How Docker is set up for the login on a host. Values that only root may read are undefined for other logins. */
export const setup: Query<Setup> = {
  command: reading('read how Docker is set up', SETUP_SCRIPT),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('read how Docker is set up', outcome);
    const values = byKey(outcome.stdout);
    const columns = (key: string): string[][] => values(key).map((line) => line.split('\t'));
    const one = (key: string): string => values(key)[0] ?? '';
    const socket = SOCKETS.find((state) => state === one('socket'));
    const noTerminal = one('terminal') === 'open' ? '' : values('noTerminal')[0];
    if (values('path').length === 0 || socket === undefined || noTerminal === undefined)
      return setupUnknown('path, socket or terminal missing');
    const kernel = values('kernel').map((line) => line.split(/[ \t]+/));
    if (!kernel.every(([, value = '']) => /^\d{1,12}$/.test(value)))
      return setupUnknown('unexpected format of kernel settings');
    if (!values('onLink').every((line) => /^[0-9A-F]{8}\/[0-9A-F]{8}$/.test(line)))
      return setupUnknown('unexpected format of routes');
    return present({
      path: one('path'),
      docker: one('docker'),
      found: [...new Set(values('found'))],
      socket,
      elsewhere: waysElsewhere(one, columns('context'), columns('endpoint')),
      proxies: proxiesIn(columns('proxy')),
      options: columns('option').map(([where = '', name = '', value = '']) => ({ where, name, value })),
      kernel: Object.fromEntries(kernel.map(([name = '', value]) => [name.replaceAll('/', '.'), Number(value)])),
      noTerminal: noTerminal === '' && one('terminal') !== 'open' ? 'it cannot be opened' : noTerminal,
      rules: rulesIn(values),
      onLink: values('onLink').map(route),
    });
  },
};

/** Docker's firewall rules alone, as in `setup`. */
export const firewallRules: Query<Setup['rules']> = {
  command: reading("read Docker's firewall rules", RULES_SCRIPT),
  read: (outcome) =>
    outcome.code === 0 ? present(rulesIn(byKey(outcome.stdout))) : failedTo("read Docker's firewall rules", outcome),
};

const rulesIn = (values: (key: string) => string[]): Setup['rules'] =>
  values('rules').length > 0 ? values('rule') : undefined;

const SOCKETS = ['absent', 'denied', 'open'] as const;

const setupUnknown = (what: string): Fact<never> => unknown(`could not read how Docker is set up: ${what}`);

/** Lines `key=value`: the values of a key. */
function byKey(text: string): (key: string) => string[] {
  const lines = text.split('\n').filter((line) => line.includes('='));
  const all = Map.groupBy(lines, (line) => line.slice(0, line.indexOf('=')));
  return (key) => (all.get(key) ?? []).map((line) => line.slice(key.length + 1));
}

/** Addresses of the usual socket. */
const isUsual = (address: string): boolean => [`unix://${SOCKET}`, 'unix:///run/docker.sock'].includes(address);

/**
 * From the environment, then from the current context; `contexts` are the current ones by file, `endpoints` their
 * addresses by name. Source: docker/cli, resolveContextName: DOCKER_HOST precedes DOCKER_CONTEXT, which precedes
 * currentContext. kuscia.sh does not see DOCKER_CONTEXT.
 */
function waysElsewhere(one: (key: string) => string, contexts: string[][], endpoints: string[][]): Setup['elsewhere'] {
  const [host, useContext, client] = [one('host'), one('useContext'), one('client')];
  if (host !== '') return isUsual(host) ? [] : [{ by: 'DOCKER_HOST', at: host }];
  const ofContext = (by: string, context: string): Setup['elsewhere'] => {
    if (context === '' || context === 'default') return [];
    const at = endpoints.find(([name]) => name === context)?.[1];
    return at !== undefined && isUsual(at) ? [] : [{ by, at: `${at ?? 'an unknown engine'} (context ${context})` }];
  };
  const inFiles = contexts.filter(([file]) => useContext === '' || file !== client);
  return [
    ...ofContext('DOCKER_CONTEXT', useContext),
    ...inFiles.flatMap(([file = '', context = '']) => ofContext(`currentContext in ${file}`, context)),
  ];
}

/** Lines of file, engine, key and value, by file and engine. */
function proxiesIn(lines: readonly string[][]): ContainerProxy[] {
  const groups = Map.groupBy(lines, ([file, engine]) => JSON.stringify([file, engine]));
  return [...groups.values()].flatMap((group) => {
    const [file = '', engine = ''] = group[0] ?? [];
    const keys = group.map(([, , key = '']) => key).filter((key) => key !== 'noProxy' && key !== '');
    const noProxy = group.find(([, , key]) => key === 'noProxy')?.[3] ?? '';
    return keys.length === 0 ? [] : [{ file, engine, keys, noProxy }];
  });
}
