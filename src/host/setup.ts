import { reading } from '../engine/command.ts';
import { failedTo, present, unknown, type Fact, type Query } from '../engine/fact.ts';
import { route } from './facts.ts';
import { RULES_SCRIPT, SETUP_SCRIPT, SOCKET } from './setup-script.ts';

/** Variables that Docker's client puts into each container that it makes, of one of its configuration files. */
export interface ContainerProxy {
  readonly file: string;
  /** For which engine they are: `default`, or the address of one. */
  readonly engine: string;
  /**
   * Those that are set: httpProxy, httpsProxy, ftpProxy, allProxy. Their values may hold a password and stay on the
   * host.
   */
  readonly keys: readonly string[];
  readonly noProxy: string;
}

/**
 * What on a host, beside its engine, decides whether Docker works for the login: client, environment, kernel, firewall.
 */
export interface Setup {
  /** Folders in which the login's non-interactive shell looks for programs. */
  readonly path: string;
  /** The docker that it finds there; '' where it finds none. */
  readonly docker: string;
  /** Programs named docker in the usual places, on the PATH or not. */
  readonly found: readonly string[];
  /** Whether the engine's usual socket exists, and whether the login may write to it. */
  readonly socket: 'absent' | 'denied' | 'open';
  /**
   * Ways by which the login's docker talks to an engine that is not behind that socket: where that is set, and what it
   * names.
   */
  readonly elsewhere: readonly { readonly by: string; readonly at: string }[];
  readonly proxies: readonly ContainerProxy[];
  /**
   * Options that the daemon is started with, as far as they matter here and may be read: where they stand, name and
   * value.
   */
  readonly options: readonly { readonly where: string; readonly name: string; readonly value: string }[];
  /** Settings of the kernel by their names, where it has them. */
  readonly kernel: Readonly<Record<string, number>>;
  /** Why no pseudo-terminal can be opened; '' where one can. */
  readonly noTerminal: string;
  /**
   * Firewall rules of Docker's, as iptables-save writes them behind the table's name; undefined where the login may not
   * read rules.
   */
  readonly rules: readonly string[] | undefined;
  /** Destinations of its IPv4 routes that need no gateway. */
  readonly onLink: readonly string[];
}

/** How Docker is set up for the login on a host. Needs no root; what only root may read is undefined without. */
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
      return notTold('path, socket and terminal');
    const kernel = values('kernel').map((line) => line.split(/[ \t]+/));
    if (!kernel.every(([, value = '']) => /^\d{1,12}$/.test(value)))
      return notTold('the settings of the kernel as Linux does');
    if (!values('onLink').every((line) => /^[0-9A-F]{8}\/[0-9A-F]{8}$/.test(line)))
      return notTold('its routes as Linux does');
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

/** Docker's firewall rules by themselves, as `setup` has them. */
export const firewallRules: Query<Setup['rules']> = {
  command: reading("read Docker's firewall rules", RULES_SCRIPT),
  read: (outcome) =>
    outcome.code === 0 ? present(rulesIn(byKey(outcome.stdout))) : failedTo("read Docker's firewall rules", outcome),
};

const rulesIn = (values: (key: string) => string[]): Setup['rules'] =>
  values('rules').length > 0 ? values('rule') : undefined;

const SOCKETS = ['absent', 'denied', 'open'] as const;

const notTold = (what: string): Fact<never> => unknown(`could not read how Docker is set up: it did not tell ${what}`);

/** Lines `key=value`: the values of a key. */
function byKey(text: string): (key: string) => string[] {
  const lines = text.split('\n').filter((line) => line.includes('='));
  const all = Map.groupBy(lines, (line) => line.slice(0, line.indexOf('=')));
  return (key) => (all.get(key) ?? []).map((line) => line.slice(key.length + 1));
}

/** Addresses of the usual socket. */
const isUsual = (address: string): boolean => [`unix://${SOCKET}`, 'unix:///run/docker.sock'].includes(address);

/**
 * By the environment, then by the context that is in use; `contexts` are those in use by file, `endpoints` their
 * addresses by name. Source: docker/cli, resolveContextName: DOCKER_HOST goes before DOCKER_CONTEXT, that before
 * currentContext. kuscia.sh sees no DOCKER_CONTEXT.
 */
function waysElsewhere(one: (key: string) => string, contexts: string[][], endpoints: string[][]): Setup['elsewhere'] {
  const [host, useContext, client] = [one('host'), one('useContext'), one('client')];
  if (host !== '') return isUsual(host) ? [] : [{ by: 'DOCKER_HOST', at: host }];
  const ofContext = (by: string, context: string): Setup['elsewhere'] => {
    if (context === '' || context === 'default') return [];
    const at = endpoints.find(([name]) => name === context)?.[1];
    return at !== undefined && isUsual(at)
      ? []
      : [{ by, at: `${at ?? 'an engine that is not known'} (context ${context})` }];
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
