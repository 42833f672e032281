// The demo: a lab of three hosts, the tutorial's cluster deployed on it and proven, left running to look around.
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { inRunner } from '../lab/enter.ts';
import { paths, up } from '../lab/lab.ts';
import { attach } from '../lab/process.ts';

const EXAMPLE = 'examples/two-replicas.yml';

/** Runs the action's own bundle on the lab's network, as a person would from a terminal. */
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
      `\nThe demo failed in mode ${mode}. Look around with "npm run lab -- ssh node-01", start over with "npm run lab -- down".`,
    );
    process.exit(code);
  }
}

console.log(`
It is left running. Look around:
  npm run lab -- ssh node-01 curl -s http://10.77.0.11:8080    ask through the load balancer: each time the other replica answers
  npm run lab -- ssh node-02 docker ps                         what runs on a host
  npm run demo                                                 again: nothing to change
  npm run lab -- down                                          remove all of it
`);
