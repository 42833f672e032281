import type { Run } from './run.ts';

/** The same run without its plans, proofs and steps being told: secrets and commands still are. */
export const quiet = (run: Run): Run => ({
  ...run,
  emit: (event) => (event.is === 'secret' || event.is === 'command' ? run.emit(event) : undefined),
});
