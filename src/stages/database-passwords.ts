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

/** What is seen of the files from which the database takes its passwords. */
export interface PasswordFacts {
  /** Where they are or will be, absolute. */
  readonly passwordFiles: Fact<PasswordFiles>;
  /** Those files; asked only where the database is ours. */
  readonly password: Fact<HostFile>;
  readonly rootPassword: Fact<HostFile>;
}

/** Writes the file from which the container takes the password of its user. */
export const writePassword = ({ secrets }: Deployment, path: string): Command =>
  writeFile('write the database password', path, '0600', secrets.databasePassword);

const USERS: About = { kind: 'write', thing: 'password file' };
const ROOTS: About = { kind: 'write', thing: 'root password file' };

/** Why root's own password is to be kept on the host; undefined where it is. */
function unkept(root: Fact<HostFile>): Reason | undefined {
  if (root.is !== 'present') return { because: 'absent' };
  const { mode } = root.value;
  return mode === '600' ? undefined : differing({ field: 'mode', from: mode, to: '600' });
}

/**
 * The files from which the container takes its passwords whenever it is started; that of the user is written anew only
 * with a password that the database was seen to accept.
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
  const kept = unkept(rootPassword);
  const keep = async (act: Act): Promise<void> => void (await act.run(host, keepRootPassword(database, root)));
  if (kept !== undefined)
    plan.steps.push({ host, change: kept.because === 'absent' ? '+' : '~', about: ROOTS, why: kept, apply: keep });
  const difference = unlikeSecret(password, deployment.secrets.databasePassword);
  if (difference === undefined) return;
  const apply = async (act: Act): Promise<void> => void (await act.run(host, writePassword(deployment, user)));
  const isNew = password.is === 'absent';
  const why: Reason = isNew ? { because: 'absent' } : differing({ field: 'content', from: difference });
  plan.steps.push({ host, change: isNew ? '+' : '~', about: USERS, why, apply });
}

/**
 * Those of the files that may be lacking once a container that is there already was started; `ofRoot` where it has a
 * password of root's own.
 */
export function foretellPasswords(
  plan: Plan,
  host: string,
  { secrets }: Deployment,
  { password, rootPassword }: PasswordFacts,
  ofRoot: boolean,
): void {
  if (ofRoot && unkept(rootPassword) !== undefined)
    plan.later.push({ host, about: ROOTS, why: { because: 'once-server-answers' } });
  if (unlikeSecret(password, secrets.databasePassword) !== undefined)
    plan.later.push({ host, about: USERS, why: { because: 'once-server-accepts' } });
}
