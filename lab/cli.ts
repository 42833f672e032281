import { hostEnvironment, inHost, inRunner } from './enter.ts';
import { cut, down, images, kill, mend, mostHosts, paths, requireUp, reset, sshTo, start, status, up } from './lab.ts';
import { attach } from './process.ts';
import { whyRoot } from './system.ts';

const usage = `lab: real hosts on this machine, each with its own network, files, sshd and Docker Engine

  up N [--bare]             start node-01 to node-N (1 to ${mostHosts}; --bare: without images)
  down [--cache]            remove the lab; with --cache, also the cache in ${paths.cache}
  status                    show the state of every host
  ssh [USER@]NODE [COMMAND...]   run a shell or a command on a host, over SSH (as root or deploy)
  run COMMAND...            run a command on the runner: this machine's files, the lab's network
  exec NODE COMMAND...      run a command inside a host, without SSH
  cut NODE | mend NODE      unplug its network cable, plug it in again
  kill NODE | start NODE    cut its power, switch it on again
  reset [NODE...] [--bare|--images]   fresh hosts in seconds; keys and addresses stay, and images by default
  images                    rebuild and push the images whose sources changed

It needs root: ${whyRoot}.
On the machine it installs only mmdebstrap, iproute2, openssh-client and util-linux, if missing; everything else is in the hosts' own files.
`;

const say = (line: string): void => {
  console.log(`lab: ${line}`);
};

async function perform([command = '', ...rest]: string[]): Promise<number> {
  switch (command) {
    case 'up': {
      const started = Date.now();
      await up(Number(rest.find((word) => !word.startsWith('--')) ?? 3), { bare: rest.includes('--bare'), say });
      printStatus();
      say(`ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
      return 0;
    }
    case 'down':
      await down({ cache: rest.includes('--cache'), say });
      return 0;
    case 'status':
      printStatus();
      return 0;
    case 'images':
      say(
        (await images({ say }))
          ? 'the images were rebuilt; "reset" gives them to the hosts'
          : 'the images are up to date',
      );
      return 0;
    case 'reset':
      await reset(
        rest.filter((word) => !word.startsWith('--')),
        { say, ...(rest.includes('--bare') ? { bare: true } : rest.includes('--images') ? { bare: false } : {}) },
      );
      printStatus();
      return 0;
    case 'cut':
      await cut(one(rest));
      return 0;
    case 'mend':
      await mend(one(rest));
      return 0;
    case 'kill':
      await kill(one(rest));
      return 0;
    case 'start':
      await start(one(rest));
      return 0;
    case 'ssh': {
      requireUp();
      const [user = 'root', node = user] = one(rest.slice(0, 1)).split('@');
      return attach(inRunner(sshTo(node, rest.slice(1), node === user ? 'root' : user)));
    }
    case 'run':
      requireUp();
      return attach(inRunner(some(rest)));
    case 'exec':
      requireUp();
      return attach(inHost(one(rest.slice(0, 1)), some(rest.slice(1))), hostEnvironment());
    case '':
    case 'help':
    case '--help':
      console.log(usage);
      return 0;
    default:
      throw new Error(`no such command: ${command}\n\n${usage}`);
  }
}

function printStatus(): void {
  const { up: isUp, hosts } = status();
  if (!isUp) console.log('the lab is down');
  for (const { name, address, power, cable, images } of hosts) {
    console.log(`${name}  ${address}  power ${power}  cable ${cable}${images ? '' : '  bare'}`);
  }
}

function one(words: readonly string[]): string {
  const [word] = words;
  if (word === undefined || words.length > 1) throw new Error('name one host, such as node-02');
  return word;
}

function some(words: readonly string[]): readonly string[] {
  if (words.length === 0) throw new Error('the command is missing');
  return words;
}

try {
  process.exitCode = await perform(process.argv.slice(2));
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
