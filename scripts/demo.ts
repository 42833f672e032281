// The demo: deploys the tutorial's cluster on a lab of three hosts, proves that it works, and leaves it running.
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { inRunner } from '../lab/enter.ts';
import { paths, up } from '../lab/lab.ts';
import { attach } from '../lab/process.ts';

const EXAMPLE = 'examples/two-replicas.yml';

/** Runs the action's own bundle on the lab's network, as from a terminal. */
function kusciaSwarm(mode: 'plan' | 'apply'): Promise<number> {
  const files = [
    '--ssh-key-file',
    paths.sshKey,
    '--known-hosts-file',
    paths.knownHosts,
    '--database-password-file',
    passwordFile,
  ];
  const argv = [process.execPath, 'dist/index.cjs', '--mode', mode, '--cluster', EXAMPLE, ...files];
  console.log(`\n$ kuscia-swarm --mode ${mode} --cluster ${EXAMPLE}`);
  return attach(inRunner(argv));
}

const passwordFile = `${paths.state}/database-password`;

process.chdir(paths.repository);
await up(3, { say: (line) => console.log(`lab: ${line}`) });
if (!existsSync(passwordFile)) writeFileSync(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });

for (const mode of ['plan', 'apply'] as const) {
  const code = await kusciaSwarm(mode);
  if (code !== 0) {
    console.error(
      `\nThe demo failed in mode ${mode}. To inspect the hosts: npm run lab -- ssh node-01. To start over: npm run lab -- down, then npm run demo.`,
    );
    process.exit(code);
  }
}

console.log(`
The cluster keeps running. Try:
  npm run lab -- ssh node-01 curl -s http://10.77.0.11:8080    a request through the load balancer: the replicas answer in turn
  npm run lab -- ssh node-02 docker ps                         containers on a host
  npm run demo                                                 run again: nothing to change
  npm run lab -- down                                          remove everything
`);
