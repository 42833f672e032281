import type { Run } from './run.ts';

/** The same run, but only its secrets and commands are reported, not its plans, proofs and steps. */
export const quiet = (run: Run): Run => ({
  ...run,
  emit: (event) => (event.is === 'secret' || event.is === 'command' ? run.emit(event) : undefined),
});
