import { closeSync, existsSync, openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The traces of a lab on the machine while it ran, searched for again after its removal. */
export interface Traces {
  /** When each process began, by its id: an id alone may be another's by then. */
  processes: Map<number, string>;
  namespaces: Set<string>;
  /** Releases the namespaces, which are held until then: the kernel reuses the number of an ended one for the next, of any program. */
  release(): void;
}

const kinds = ['net', 'pid', 'mnt', 'uts', 'ipc'];

/** All processes in the namespaces of the processes given, by the kernel's word and none of the lab's own records. */
export function tracesOf(inits: readonly number[]): Traces {
  const namespaces = namespacesOf(inits);
  const held = pids().flatMap((pid) =>
    kinds.filter((kind) => namespaces.has(namespaceOf(pid, kind))).map((kind) => hold(pid, kind)),
  );
  const own = pids().filter(
    (pid) => namespaces.has(namespaceOf(pid, 'pid')) || namespaces.has(namespaceOf(pid, 'net')),
  );
  return {
    namespaces,
    processes: new Map(own.map((pid) => [pid, beginningOf(pid)] as const).filter(([, began]) => began !== '')),
    release: () => {
      held.forEach((each) => {
        if (each !== undefined) closeSync(each);
      });
    },
  };
}

/** The namespaces of the processes given that are not this process's own. */
export function namespacesOf(processes: readonly number[]): Set<string> {
  const own = new Set(kinds.map((kind) => namespaceOf('self', kind)));
  return new Set(
    processes
      .flatMap((pid) => kinds.map((kind) => namespaceOf(pid, kind)))
      .filter((each) => each !== '' && !own.has(each)),
  );
}

/** The leftovers of a lab, one line each: processes, namespaces, mounts, cgroups, network links. */
export function leftovers(home: string, cgroup: string, traces: Traces, linksBefore: readonly string[]): string[] {
  return [
    ...pids()
      .filter((pid) => traces.processes.has(pid) && beginningOf(pid) === traces.processes.get(pid))
      .map((pid) => `process ${pid}`),
    ...pids().flatMap((pid) =>
      kinds
        .map((kind) => namespaceOf(pid, kind))
        .filter((each) => traces.namespaces.has(each))
        .map((each) => `process ${pid} in ${each}`),
    ),
    ...pids()
      .filter((pid) => read(`/proc/${pid}/environ`).includes(`KUSCIA_SWARM_LAB=${home}\0`))
      .map((pid) => `marked process ${pid}`),
    ...mounts()
      .filter((line) => line.includes(`${home}/`))
      .map((line) => `mount ${line}`),
    ...mounts()
      .filter((line) => / - cgroup2? /.test(line))
      .map((line) => `${line.split(' ')[4] ?? ''}/${cgroup}`)
      .filter((folder) => existsSync(folder))
      .map((folder) => `cgroup ${folder}`),
    ...links()
      .filter((link) => !linksBefore.includes(link))
      .map((link) => `link ${link}`),
  ];
}

/** The network links of the machine itself. */
export function links(): string[] {
  return readdirSync('/sys/class/net');
}

function mounts(): string[] {
  return read('/proc/self/mountinfo').split('\n');
}

function pids(): number[] {
  // A zombie is only an exit code that the machine's first process has not fetched yet, at its own leisure.
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => /^State:\s+[^\sZX]/m.test(read(`/proc/${pid}/status`)));
}

/** The clock tick in which a process began; empty when it has ended (proc_pid_stat(5), field 22, the 20th behind the name). */
function beginningOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function hold(pid: number, kind: string): number | undefined {
  try {
    return openSync(`/proc/${pid}/ns/${kind}`, 'r');
  } catch {
    return undefined;
  }
}

function namespaceOf(pid: number | 'self', kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return '';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
