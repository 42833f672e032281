import fc from 'fast-check';

/** The cases are the same each time, so that a failure is there again and a count of them says something; `SEED=number` tries others. */
fc.configureGlobal({ seed: Number(process.env['SEED'] ?? 20_261_125) });

export default fc;
