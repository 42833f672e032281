import type { Host } from '../cluster/cluster.ts';
import type { Setup } from '../host/setup.ts';
import { REQUIRED } from '../kuscia/requirements.ts';
import type { Finding } from './finding.ts';

/** Which kernel settings of a host do not fit. */
export function kernelFindings({ roles }: Host, { kernel, noTerminal }: Setup): Finding[] {
  return [
    ...(kernel['net.ipv4.ip_forward'] === 0 ? [NO_FORWARDING] : []),
    ...(roles.includes('replica') ? terminalFindings(kernel, noTerminal) : []),
    ...Object.entries(REQUIRED.inotify).flatMap(([name, least]) => belowAdvised(name, kernel[name], least)),
  ];
}

const NO_FORWARDING: Finding = {
  what: 'IP forwarding is off: its containers cannot reach other hosts, and other hosts cannot reach them',
  evidence: 'net.ipv4.ip_forward = 0',
  remedy:
    'On that host: sysctl -w net.ipv4.ip_forward=1. To keep it after a reboot, put net.ipv4.ip_forward = 1 into ' +
    'the file in /etc/sysctl.d that is read last (sysctl --system shows the order).',
};

/**
 * kuscia.sh needs a terminal on the host and, for docker exec -it, one in the container; containers must leave some to
 * the host (kernel.pty.reserve).
 */
function terminalFindings(kernel: Setup['kernel'], noTerminal: string): Finding[] {
  if (noTerminal !== '') {
    return [
      {
        what: 'no pseudo-terminal can be opened, and kuscia.sh needs one',
        evidence: `/dev/ptmx: ${noTerminal}`,
        remedy:
          'On that host: mount -t devpts devpts /dev/pts -o gid=5,mode=620,ptmxmode=666; ln -sf pts/ptmx /dev/ptmx. ' +
          'If all are in use: sysctl -w kernel.pty.max=8192.',
      },
    ];
  }
  const { 'kernel.pty.nr': used, 'kernel.pty.max': max, 'kernel.pty.reserve': reserve = 0 } = kernel;
  if (used === undefined || max === undefined || used < max - reserve) return [];
  return [
    {
      what: 'no pseudo-terminal is left for containers, and kuscia.sh needs one',
      evidence: `kernel.pty.nr = ${used}, kernel.pty.max = ${max}, kernel.pty.reserve = ${reserve}`,
      remedy:
        'On that host, stop what holds so many terminals (ls /dev/pts), or raise the limit: sysctl -w ' +
        'kernel.pty.max=8192.',
    },
  ];
}

/** Whether too low a value suffices depends on everything that runs there as root, so it is advice. */
function belowAdvised(name: string, value: number | undefined, least: number): Finding[] {
  if (value === undefined || value >= least) return [];
  return [
    {
      what: `${name} is ${value}: Kuscia may fail with create_fsnotify_failed (too many open files)`,
      evidence: `${name} = ${value}, at least ${least} is advised`,
      remedy: `On that host: sysctl -w ${name}=8192, and the same in a file of /etc/sysctl.d.`,
      advice: true,
    },
  ];
}
