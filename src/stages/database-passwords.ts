import type { Deployment } from '../cluster/deployment.ts';
import { differing, type About, type Reason } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import type { Command } from '../engine/command.ts';
import type { Fact } from '../engine/fact.ts';
import type { Plan } from '../engine/plan.ts';
import { writeFile } from '../host/commands.ts';
import { unlikeSecret, type HostFile } from '../host/files.ts';
import type { PasswordFiles } from '../mysql/commands.ts';
import { keepRootPassword } from '../mysql/root.ts';

/** The state of the files from which the database takes its passwords. */
export interface PasswordFacts {
  /** Where they are or will be, as absolute paths. */
  readonly passwordFiles: Fact<PasswordFiles>;
  /** The user's password file; queried only if we run the database. */
  readonly password: Fact<HostFile>;
  readonly rootPassword: Fact<HostFile>;
}

/** Writes the file from which the container takes its user's password. */
export const writePassword = ({ secrets }: Deployment, path: string): Command =>
  writeFile('write the database password', path, '0600', secrets.databasePassword);

const USER_FILE: About = { kind: 'write', thing: 'password file' };
const ROOT_FILE: About = { kind: 'write', thing: 'root password file' };

/** Why root's own password must be saved on the host; undefined if it already is. */
function reasonToSave(root: Fact<HostFile>): Reason | undefined {
  if (root.is !== 'present') return { because: 'absent' };
  const { mode } = root.value;
  return mode === '600' ? undefined : differing({ field: 'mode', from: mode, to: '600' });
}

/**
 * Plans the password files that the container reads at each start. The user's file is rewritten only with a password
 * that the database accepted.
 */
export function planPasswords(
  plan: Plan,
  deployment: Deployment,
  { password, rootPassword, passwordFiles }: PasswordFacts,
): void {
  const { database } = deployment.cluster;
  if (database.kind !== 'managed' || passwordFiles.is !== 'present') return;
  const { user, root } = passwordFiles.value;
  const { host } = database;
  const reason = reasonToSave(rootPassword);
  const save = async (act: Act): Promise<void> => void (await act.run(host, keepRootPassword(database, root)));
  if (reason !== undefined)
    plan.steps.push({
      host,
      change: reason.because === 'absent' ? '+' : '~',
      about: ROOT_FILE,
      why: reason,
      apply: save,
    });
  const difference = unlikeSecret(password, deployment.secrets.databasePassword);
  if (difference === undefined) return;
  const apply = async (act: Act): Promise<void> => void (await act.run(host, writePassword(deployment, user)));
  const isNew = password.is === 'absent';
  const why: Reason = isNew ? { because: 'absent' } : differing({ field: 'content', from: difference });
  plan.steps.push({ host, change: isNew ? '+' : '~', about: USER_FILE, why, apply });
}

/**
 * Announces the files that may turn out to be missing once an existing container has started; `hasRootPassword` if root
 * has a password of its own.
 */
export function announcePasswordFiles(
  plan: Plan,
  host: string,
  { secrets }: Deployment,
  { password, rootPassword }: PasswordFacts,
  hasRootPassword: boolean,
): void {
  if (hasRootPassword && reasonToSave(rootPassword) !== undefined)
    plan.later.push({ host, about: ROOT_FILE, why: { because: 'once-server-answers' } });
  if (unlikeSecret(password, secrets.databasePassword) !== undefined)
    plan.later.push({ host, about: USER_FILE, why: { because: 'once-server-accepts' } });
}
