import fc from 'fast-check';

/** The cases are the same each time, so that a failure is reproducible and their number is meaningful; `SEED=number` tries others. */
fc.configureGlobal({ seed: Number(process.env['SEED'] ?? 20_261_125) });

/** `npm run check`, which comes before every commit, tries one of so many cases; `npm test` tries all of them. */
const ONE_OF = Number(process.env['ONE_CASE_OF'] ?? 1);

/** How many of that number of cases are tried. */
export const casesOf = (all: number): number => Math.ceil(all / ONE_OF);

/** The default of fast-check. */
const USUAL = 100;

const assert = ((property: never, parameters?: { readonly numRuns?: number }): unknown =>
  fc.assert(property, { ...parameters, numRuns: casesOf(parameters?.numRuns ?? USUAL) })) as typeof fc.assert;

const random: typeof fc = { ...fc, assert };
export default random;
