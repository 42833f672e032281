import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Command } from '../../src/engine/command.ts';
import { Secret } from '../../src/engine/secret.ts';
import { answer, present } from '../../src/engine/fact.ts';
import { closeRoot, keepRootPassword, makeRootPassword, provide, rootAccess } from '../../src/mysql/root.ts';
import { MANAGED } from '../support/deployment.ts';

// The unchanged scripts, with a docker that runs its command directly and a mysql that accepts the accounts in a folder and records its statements.
const DOCKER = `case $1 in
  container) [ "$5" = alice-mysql ] || { echo "Error: No such container: $5" >&2; exit 1; }; echo "f00d:$(cat "$BOX/mounts")" ;;
  exec) [ "$3" = f00d ] || exit 1; shift 3; case $1 in sh) text=$(printf '%s' "$3" | sed "s|/run/secrets|$BOX|g"); shift 3; name=$1; shift
      for each; do shift; set -- "$@" "$(printf '%s' "$each" | sed "s|^/run/secrets|$BOX|")"; done; exec sh -c "$text" "$name" "$@" ;;
    *) for each; do shift; set -- "$@" "$(printf '%s' "$each" | sed "s|^/run/secrets|$BOX|")"; done; exec "$@" ;; esac ;;
esac`;
const MYSQL = `login=$(cat "\${1#--defaults-extra-file=}"); way=socket; for each; do [ "$each" != --protocol=tcp ] || way=tcp; done
said=$(cat); password=$(printf '%s\\n' "$login" | sed -n 's/^password="\\(.*\\)"$/\\1/p')
[ "$password" = "$(cat "$BOX/root-by-$way" 2>/dev/null)" ] || { echo "ERROR 1045 (28000): Access denied" >&2; exit 1; }
printf '%s: %s\\n' "$way" "$said" >>"$BOX/said"
case $said in *VERSION*) printf 'version\\t8.0.40\\naccount\\troot\\tlocalhost\\n' ;; "SELECT CONCAT"*) echo "DROP USER 'root'@'%';" ;; *"ALTER USER"*) printf '%s' "$said" | sed -n "s/.*ALTER USER [^ ]* IDENTIFIED BY '\\([^']*\\)'.*/\\1/p" >"$BOX/root-by-socket" ;; esac`;

let box = '';
const put = (name: string, text: string): void => writeFileSync(join(box, name), text);
const said = (): string[] => readFileSync(join(box, 'said'), 'utf8').trim().split('\n');

function run({ program, args, stdin }: Command): { code: number; stdout: string; stderr: string } {
  const input = stdin instanceof Secret ? stdin.reveal() : '';
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: box,
    input,
    encoding: 'utf8',
    env: { ...process.env, BOX: box, PATH: `${join(box, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  return { code: status ?? 1, stdout, stderr };
}

beforeEach(() => {
  box = mkdtempSync(join(tmpdir(), 'root-'));
  mkdirSync(join(box, 'bin'));
  for (const [name, text] of [
    ['docker', DOCKER],
    ['mysql', MYSQL],
  ] as const) {
    put(`bin/${name}`, `#!/bin/sh\n${text}\n`);
    chmodSync(join(box, 'bin', name), 0o755);
  }
  put('mounts', '/var/lib/mysql:/run/secrets/database-password:/run/secrets/database-root-password:');
  put('kept', 'given-one');
  put('database-password', 'older-one');
  put('database-root-password', 'own-one');
});
afterEach(() => rmSync(box, { recursive: true }));

const look = () =>
  answer(rootAccess(MANAGED, 'kept'), { ended: 'exited', ...run(rootAccess(MANAGED, 'kept').command) });

describe('how the scripts log in as root', () => {
  test('by the password of the users that the host keeps', () => {
    put('root-by-tcp', 'given-one');
    expect(look()).toEqual(
      present({ login: 'given', version: '8.0.40', isOpen: true, knowsUser: false, usedFrom: [] }),
    );
  });

  test('by the one that its container was started with, if the host has lost the file', () => {
    rmSync(join(box, 'kept'));
    put('root-by-tcp', 'older-one');
    expect(look()).toMatchObject({ value: { login: 'given' } });
  });

  test('by its own password', () => {
    put('root-by-socket', 'own-one');
    expect(look()).toMatchObject({ value: { login: 'own', isOpen: false } });
  });

  test('by neither password', () => {
    expect(look()).toEqual(present({ login: 'refused' }));
    rmSync(join(box, 'database-root-password'));
    expect(look()).toEqual(present({ login: 'refused' }));
  });

  test('in no container that was not created for the database', () => {
    put('mounts', '/data:');
    expect(look()).toMatchObject({ is: 'unknown', why: expect.stringContaining('was not created for the database') });
  });
});

describe('how the scripts change root', () => {
  test('creates a user with the password of the run, not with the one that the host keeps', () => {
    put('root-by-tcp', 'given-one');
    expect(run(provide(MANAGED, 'given', new Secret('p', 'another')))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ERROR 1045'),
    });
    expect(run(provide(MANAGED, 'given', new Secret('p', 'given-one'))).code).toBe(0);
    expect(said()).toEqual([expect.stringMatching(/^tcp: CREATE DATABASE .*IDENTIFIED BY 'given-one'; GRANT/)]);
  });

  test('gets its own password, logs in with it, and only then loses its other accounts', () => {
    put('root-by-tcp', 'given-one');
    expect(run(closeRoot(MANAGED, 'given', 'kept'))).toMatchObject({ code: 0 });
    expect(said()).toEqual([
      expect.stringMatching(/^tcp: CREATE USER IF NOT EXISTS 'root'@'localhost' IDENTIFIED BY 'own-one'; ALTER/),
      expect.stringMatching(/^socket: SELECT CONCAT/),
      `socket: DROP USER 'root'@'%';`,
    ]);
  });

  test('keeps its other accounts if it cannot log in with its own', () => {
    put('root-by-socket', 'somebody-else');
    expect(run(closeRoot(MANAGED, 'own', 'kept'))).toMatchObject({ code: 65 });
    put('database-root-password', '');
    put('root-by-tcp', 'given-one');
    expect(run(closeRoot(MANAGED, 'given', 'kept'))).toMatchObject({ code: 66 });
  });

  test('has its password generated once, and copied from the container if the file is gone', () => {
    expect(run(makeRootPassword(join(box, 'new/root'))).code).toBe(0);
    const made = readFileSync(join(box, 'new/root'), 'utf8');
    expect([
      made,
      run(makeRootPassword(join(box, 'new/root'))).code,
      readFileSync(join(box, 'new/root'), 'utf8'),
    ]).toEqual([expect.stringMatching(/^[\w-]{40}$/), 0, made]);
    expect([
      run(keepRootPassword(MANAGED, join(box, 'again/root'))).code,
      readFileSync(join(box, 'again/root'), 'utf8'),
    ]).toEqual([0, 'own-one']);
  });
});
