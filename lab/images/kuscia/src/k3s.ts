import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { k3sToken } from './files.ts';
import type { Place } from './place.ts';

/** The arguments Kuscia gives to its k3s: the database's password and the token among them, for all to see. */
export function k3sArguments(home: string, domain: string, endpoint: string): string[] {
  return [
    'server',
    '-v=5',
    `-d=${home}/var/k3s`,
    `-o=${home}/etc/kubeconfig`,
    '--disable-agent',
    '--bind-address=0.0.0.0',
    '--https-listen-port=6443',
    '--disable-cloud-controller',
    '--disable-network-policy',
    '--disable-scheduler',
    '--flannel-backend=none',
    '--disable=traefik',
    '--disable=coredns',
    '--disable=servicelb',
    '--disable=local-storage',
    '--disable=metrics-server',
    `--datastore-endpoint=${endpoint}`,
    `--token=${k3sToken(domain)}`,
  ];
}

/** A child named k3s that idles; it shows in the process list what the real one shows, and ends with its parent. */
export function spawnK3s({ home }: Place, domain: string, endpoint: string): ChildProcess | undefined {
  const program = `${home}/libexec/k3s`;
  if (!existsSync(program)) return undefined;
  const child = spawn(program, k3sArguments(home, domain, endpoint), {
    argv0: 'k3s',
    cwd: `${home}/libexec/k3s-home`,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.unref();
  return child;
}

/** The link that k3s, not Kuscia, makes once it serves: by it a bare kubectl finds the kubeconfig. */
export function linkKubeconfig({ home, inContainer }: Place, folder = '/etc/rancher/k3s'): void {
  if (!inContainer) return;
  mkdirSync(folder, { recursive: true });
  rmSync(`${folder}/k3s.yaml`, { force: true });
  symlinkSync(`${home}/etc/kubeconfig`, `${folder}/k3s.yaml`);
}
