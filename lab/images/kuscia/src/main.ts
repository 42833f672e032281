import { readFileSync, writeFileSync } from 'node:fs';
import { init, type Printed } from './init.ts';
import { askApi, kubectl } from './kubectl.ts';
import { findPlace, kernelParameters, readVersion } from './place.ts';
import { putTask } from './put-task.ts';

const home = process.env.KUSCIA_STANDIN_HOME ?? '/home/kuscia';

async function main([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'init':
      return show(init(args));
    case 'start':
      return serve(fileOf(args));
    // The kubectl of k3s knows the kubeconfig by itself, Kuscia's own does not.
    case 'kubectl-of-k3s':
      return client(process.env.KUBECONFIG ?? `${home}/etc/kubeconfig`, args);
    case 'kubectl':
      return client(kubeconfigOf(args), args);
    case 'stand-in-task':
      return task(args);
    case 'image':
      return image(args);
    case 'kernel-check':
      return kernelCheck();
    case 'version':
    case '--version':
      return show({
        code: 0,
        stdout: `kuscia version ${readVersion(home)} (stand-in of kuscia-swarm's lab, not Kuscia)\n`,
        stderr: '',
      });
    default:
      return show({ code: 1, stdout: '', stderr: `Error: unknown command "${command ?? ''}" for "kuscia"\n` });
  }
}

/** What only a replica needs is read by it alone: every other command is one of many that come and go. */
async function serve(file: string): Promise<number> {
  const [{ start }, { createLog }] = await Promise.all([import('./start.ts'), import('./log.ts')]);
  return start(file, findPlace(), createLog());
}

function show({ code, stdout, stderr }: Printed): number {
  process.stderr.write(stderr);
  process.stdout.write(stdout);
  return code;
}

async function client(kubeconfig: string, args: readonly string[]): Promise<number> {
  const { ask, server } = askApi(kubeconfig);
  return show(await kubectl(args, ask, server === 'localhost:8080' && kubeconfig ? '127.0.0.1:6443' : server));
}

/** `kuscia stand-in-task JOB SECONDS [REPLICA] [--image-missing]`: lets a task of a job of that name run here, or on another replica. */
async function task(args: readonly string[]): Promise<number> {
  const [job = '', time = '', node = findPlace().hostname] = args.filter((arg) => !arg.startsWith('--'));
  const domain = /^domainID: "?([^"\n]+)/m.exec(readFileSync(`${home}/etc/conf/kuscia.yaml`, 'utf8'))?.[1] ?? '';
  if (!/^[a-z0-9][a-z0-9-]*$/.test(job) || !/^\d+$/.test(time))
    return show({
      code: 1,
      stdout: '',
      stderr: 'usage: kuscia stand-in-task JOB SECONDS [REPLICA] [--image-missing]\n',
    });
  return show(
    await putTask(
      { job, domain, node, seconds: Number(time), imageMissing: args.includes('--image-missing') },
      askApi(`${home}/etc/kubeconfig`).ask,
    ),
  );
}

function kubeconfigOf(args: readonly string[]): string {
  const at = args.indexOf('--kubeconfig');
  return (
    (at < 0 ? args.find((arg) => arg.startsWith('--kubeconfig='))?.slice(13) : args[at + 1]) ??
    process.env.KUBECONFIG ??
    ''
  );
}

function fileOf(args: readonly string[]): string {
  const at = args.findIndex((arg) => arg === '-c' || arg === '--conf');
  return (at < 0 ? undefined : args[at + 1]) ?? 'etc/conf/kuscia.yaml';
}

function image(args: readonly string[]): number {
  const file = args[args.indexOf('-i') + 1] ?? '';
  if (args[0] === 'load')
    return show({ code: 0, stdout: args.includes('-i') ? `file not exists: ${file}\n` : '', stderr: '' });
  return show({ code: 0, stdout: args[0] === 'builtin' ? '' : 'REPOSITORY\tTAG\tIMAGE ID\tSIZE \n', stderr: '' });
}

function kernelCheck(): number {
  const lines = kernelParameters().map(
    ({ name, ok, value, recommended, file }) =>
      `Key=${name}, Match(${ok}), Value(${value}), Description(Default[${recommended}], File[${file}])\n`,
  );
  return show({ code: 0, stdout: '', stderr: lines.join('') });
}

// Node names its main thread otherwise, and then `ps -C kuscia` would not find it.
try {
  writeFileSync('/proc/self/comm', 'kuscia');
} catch {
  // Only the name in the process list is at stake.
}
process.on('unhandledRejection', (error) => process.stderr.write(`stand-in: ${String(error)}\n`));
void main(process.argv.slice(2)).then((code) => process.exit(code));
