import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { DeploymentError } from '../../src/engine/errors.ts';
import { translateArguments } from '../../src/inputs/arguments.ts';
import { INPUT_LIST, optionOf } from '../../src/inputs/catalogue.ts';

const FILES: Readonly<Record<string, string>> = { key: 'the key\n', empty: ' \n', '-': 'dash' };

const files = {
  read(path: string): string {
    const text = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
    if (text === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
    return text;
  },
};

function env(argv: string[], before: Record<string, string> = {}): Record<string, string | undefined> {
  const asked = translateArguments(argv, before, files);
  return asked.is === 'run' ? { ...asked.env } : { help: asked.text };
}

function faults(argv: string[]): string[] {
  try {
    translateArguments(argv, {}, files);
  } catch (thrown) {
    if (thrown instanceof DeploymentError) return thrown.failures.map(({ what }) => what);
    throw thrown;
  }
  return [];
}

describe('arguments become the inputs that GitHub would pass', () => {
  test.each<[string[], Record<string, string>]>([
    [[], {}],
    [['--mode', 'plan', '--cluster=c.yml'], { INPUT_MODE: 'plan', INPUT_CLUSTER: 'c.yml' }],
    [['--ssh-key-file', 'key'], { 'INPUT_SSH-KEY': 'the key\n' }],
    [
      ['--known-hosts-file=key', '--database-password-file', 'key'],
      { 'INPUT_KNOWN-HOSTS': 'the key\n', 'INPUT_DATABASE-PASSWORD': 'the key\n' },
    ],
    [['--ssh-key-file', '-'], { 'INPUT_SSH-KEY': 'dash' }],
    [['--repair'], { INPUT_REPAIR: 'true' }],
    [['--repair=false'], { INPUT_REPAIR: 'false' }],
    [['--mode', 'plan', '--mode', 'apply'], { INPUT_MODE: 'apply' }],
  ])('%j', (argv, inputs) => expect(env(argv)).toEqual(inputs));

  test('variables rank below arguments and above inputs', () => {
    const before = {
      KUSCIA_SWARM_MODE: 'verify',
      KUSCIA_SWARM_STAGE: 'verify',
      KUSCIA_SWARM_DATABASE_PASSWORD: ' ',
      'INPUT_DATABASE-PASSWORD': 'kept',
      INPUT_STAGE: 'all',
    };
    expect(env(['--mode', 'plan'], before)).toEqual({ ...before, INPUT_MODE: 'plan', INPUT_STAGE: 'verify' });
  });

  test('help lists every option, and overrides everything else', () => {
    const { help } = env(['--nonsense', '-h']);
    for (const { name } of INPUT_LIST) expect(help).toContain(`--${optionOf(name)}`);
    expect(help?.split('\n').every((line) => line.length <= 130)).toBe(true);
  });
});

describe('invalid arguments', () => {
  test.each<[string[], unknown[]]>([
    [['plan'], ['argument 1 has no option before it (not shown here, because it could be a secret)']],
    [
      ['--mod', 'plan'],
      ['"--mod" is not an option; did you mean --mode?', expect.stringContaining('argument 2 has no option')],
    ],
    [['-x'], ['"-x" is not an option']],
    [['--mode'], ['--mode needs a value']],
    [['--mode', '--repair'], ['--mode needs a value']],
    [['--cluster='], ['--cluster needs a value']],
    [['--ssh-key-file', 'none'], ['--ssh-key-file: cannot read the file "none" (ENOENT)']],
    [['--ssh-key-file', 'empty'], ['--ssh-key-file: the file "empty" is empty']],
    [['--constructor'], ['"--constructor" is not an option']],
  ])('%j', (argv, said) => expect(faults(argv)).toEqual(said));

  test.each(INPUT_LIST.filter(({ kind }) => kind === 'secret').map(({ name }) => name))(
    '%s is not accepted as an argument, and its value is not shown',
    (name) => {
      const said = faults([`--${name}=hunter22`]);
      expect(said).toEqual([expect.stringContaining(`use --${name}-file PATH or set KUSCIA_SWARM_`)]);
      expect(said.join()).not.toContain('hunter22');
      expect(faults([`--${name}`, 'hunter22']).join()).not.toContain('hunter22');
    },
  );

  test('any arguments are translated, answered or refused', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.constantFrom('--', '-', '--repair', '--mode', '--=x', '--no-repair', '--ssh-key-file', '-hx'),
          ),
        ),
        (argv) => void faults(argv),
      ),
    );
  });
});
