import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** What the machine showed of a lab while it ran; looked for again when it is said to be gone. */
export interface Traces {
  pids: number[];
  namespaces: Set<string>;
}

const kinds = ['net', 'pid', 'mnt', 'uts', 'ipc'];

/** All processes in the namespaces of the processes given, by the kernel's word and none of the lab's own records. */
export function tracesOf(inits: readonly number[]): Traces {
  const own = new Set(kinds.map((kind) => namespaceOf('self', kind)));
  const namespaces = new Set(inits.flatMap((pid) => kinds.map((kind) => namespaceOf(pid, kind))).filter((each) => each !== '' && !own.has(each)));
  return { namespaces, pids: pids().filter((pid) => namespaces.has(namespaceOf(pid, 'pid')) || namespaces.has(namespaceOf(pid, 'net'))) };
}

/** What is left of a lab, one line each: processes, namespaces, mounts, cgroups, network links. */
export function leftovers(home: string, cgroup: string, traces: Traces, linksBefore: readonly string[]): string[] {
  const running = new Set(pids());
  return [
    ...traces.pids.filter((pid) => running.has(pid)).map((pid) => `process ${pid}`),
    ...pids().flatMap((pid) => kinds.map((kind) => namespaceOf(pid, kind)).filter((each) => traces.namespaces.has(each)).map((each) => `process ${pid} in ${each}`)),
    ...pids().filter((pid) => read(`/proc/${pid}/environ`).includes(`KUSCIA_SWARM_LAB=${home}\0`)).map((pid) => `marked process ${pid}`),
    ...mounts().filter((line) => line.includes(`${home}/`)).map((line) => `mount ${line}`),
    ...mounts().filter((line) => / - cgroup2? /.test(line)).map((line) => `${line.split(' ')[4] ?? ''}/${cgroup}`).filter((folder) => existsSync(folder)).map((folder) => `cgroup ${folder}`),
    ...links().filter((link) => !linksBefore.includes(link)).map((link) => `link ${link}`),
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
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => /^State:\s+[^\sZX]/m.test(read(`/proc/${pid}/status`)));
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
