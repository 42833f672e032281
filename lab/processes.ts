import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { paths } from './places.ts';
import { until } from './process.ts';

/** The variable by which every process of a lab is found, even if its parent has ended. */
export const homeVariable = 'KUSCIA_SWARM_LAB';
/** The variable that says which place a process belongs to. */
export const placeVariable = 'KUSCIA_SWARM_LAB_PLACE';

/** A process that belongs to this lab; `init` ends everything in its place when it is killed. */
export interface LabProcess {
  pid: number;
  place: string;
  init: boolean;
}

/** All processes of this lab, as found in /proc rather than in a record. */
export function labProcesses(): LabProcess[] {
  return allPids().flatMap((pid) => {
    const environment = readOr(`/proc/${pid}/environ`).split('\0');
    if (!environment.includes(`${homeVariable}=${paths.home}`)) return [];
    const place =
      environment.find((entry) => entry.startsWith(`${placeVariable}=`))?.slice(placeVariable.length + 1) ?? '';
    return [{ pid, place, init: isInit(pid) }];
  });
}

/** Processes on the runner's network, without this process and those that started it. */
export function runnerProcesses(): number[] {
  let namespace: number;
  try {
    namespace = statSync(paths.runner).ino;
  } catch {
    return [];
  }
  const own = ancestors();
  return allPids().filter((pid) => !own.has(pid) && namespaceOf(pid, 'net') === `net:[${namespace}]`);
}

/** Whether this process itself runs in the lab's runner place. */
export function insideRunner(): boolean {
  try {
    return namespaceOf('self', 'net') === `net:[${statSync(paths.runner).ino}]`;
  } catch {
    return false;
  }
}

/** The init of a place, or undefined if the place is not running. */
export function initOf(place: string): number | undefined {
  return labProcesses().find((each) => each.place === place && each.init)?.pid;
}

/** Kills processes and waits until they have ended, at most 15 s. */
export async function killAll(list: () => readonly number[]): Promise<void> {
  await until(
    'killing processes',
    () => {
      const left = list();
      for (const pid of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended before it could be killed.
        }
      }
      return left.length === 0 ? true : undefined;
    },
    15_000,
    () => `Left: ${list().join(', ')}`,
    20,
  );
}

/** Cuts the power of places: kills their inits and waits until none of their processes runs. */
export async function killPlaces(chosen: (place: string) => boolean): Promise<void> {
  const own = namespaceOf('self', 'pid');
  const namespaces = new Set<string>();
  await killAll(() => {
    const all = labProcesses().filter(({ place }) => chosen(place));
    for (const { pid } of all) namespaces.add(namespaceOf(pid, 'pid'));
    namespaces.delete(own);
    namespaces.delete('');
    const inits = all.filter(({ init }) => init).map(({ pid }) => pid);
    // The parent outside reaps its init; if it were killed first, the machine's init would have to.
    if (inits.length > 0) return inits;
    // A process that is ending loses its environment, and with it the mark, before it disappears.
    const ending =
      namespaces.size === 0 ? [] : allPids().filter((pid) => namespaces.has(namespaceOf(pid, 'pid')) && !isZombie(pid));
    return [...all.map(({ pid }) => pid), ...ending];
  });
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function isInit(pid: number): boolean {
  const ids = /^NSpid:\s*(.*)$/m.exec(readOr(`/proc/${pid}/status`))?.[1]?.split(/\s+/) ?? [];
  return ids.length === 2 && ids[1] === '1';
}

/** Dead, but not yet reaped by its parent, which need not be this process. */
function isZombie(pid: number): boolean {
  return /^State:\s*[ZX]/m.test(readOr(`/proc/${pid}/status`));
}

function namespaceOf(pid: number | 'self', kind: 'net' | 'pid'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return '';
  }
}

function ancestors(): Set<number> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 0 && !found.has(pid);) {
    found.add(pid);
    pid = Number(/^PPid:\s*(\d+)$/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return found;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
