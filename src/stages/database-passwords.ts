import type { Deployment } from '../cluster/deployment.ts';
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
export const writePassword = ({ secrets }: Deployment, path: string): Command => writeFile('write the database password', path, '0600', secrets.databasePassword);

/** The file from which the container takes the password whenever it is started; written anew only with a password that the database was seen to accept. */
export function planPasswords(plan: Plan, deployment: Deployment, { password, rootPassword, passwordFiles }: PasswordFacts): void {
  const { database } = deployment.cluster;
  if (database.kind !== 'managed' || passwordFiles.is !== 'present') return;
  const { user, root } = passwordFiles.value;
  const kept = rootPassword.is !== 'present' ? 'absent' : rootPassword.value.mode === '600' ? undefined : `mode ${rootPassword.value.mode} -> 600`;
  const keep = async (act: Act): Promise<void> => void (await act.run(database.host, keepRootPassword(database, root)));
  if (kept !== undefined) plan.steps.push({ host: database.host, change: kept === 'absent' ? '+' : '~', what: "file with the password of the database's root, from its container", why: kept, apply: keep });
  const difference = unlikeSecret(password, deployment.secrets.databasePassword);
  if (difference === undefined) return;
  const apply = async (act: Act): Promise<void> => void (await act.run(database.host, writePassword(deployment, user)));
  plan.steps.push({ host: database.host, change: password.is === 'absent' ? '+' : '~', what: 'file with the database password', why: difference, apply });
}
