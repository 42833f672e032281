import { z } from 'zod';
import { CHECKS, isHealthy, type CheckName, type Matrix } from '../cluster/matrix.ts';
import { CODES, type Code, type Failure } from '../engine/errors.ts';
import type { PlanDocument } from '../report/plan.ts';

const failure = z.object({
  code: z.enum(Object.keys(CODES) as [Code, ...Code[]]),
  host: z.string().exactOptional(),
  what: z.string(),
  evidence: z.string().exactOptional(),
  cause: z.string().exactOptional(),
  remedy: z.string(),
});

/** The output `failures` of the action. */
export const failuresSchema: z.ZodType<readonly Failure[]> = z.array(failure);

const check = z.object({ ok: z.boolean(), text: z.string(), unknown: z.literal(true).exactOptional() });
const figure = z.number().int().nonnegative();
const unknown = figure.exactOptional();

/** The output `verify` of the action. Healthy only if all its parts are. */
export const matrixSchema: z.ZodType<Matrix> = z
  .object({
    domain: z.string(),
    healthy: z.boolean(),
    url: z.string(),
    rows: z.array(
      z.object({
        replica: z.string(),
        host: z.string(),
        cells: z.record(z.enum(Object.keys(CHECKS) as [CheckName, ...CheckName[]]), check),
      }),
    ),
    nodes: z.object({ ready: figure, total: figure, unknown }),
    pairs: z.object({ connected: figure, total: figure, unknown }),
    database: z.enum(['works', 'fails', 'unknown']).exactOptional(),
    silent: z.array(z.string()).exactOptional(),
    warnings: z.array(failure).exactOptional(),
    ms: z.number().nonnegative(),
  })
  .transform((matrix) => ({ ...matrix, healthy: matrix.healthy && isHealthy(matrix) }));

const note = z.object({ stage: z.string(), host: z.string(), what: z.string(), why: z.string() });
const stageFailure = failure.extend({ stage: z.string() });

/** The output `plan` of the action. */
export const planSchema: z.ZodType<PlanDocument> = z.object({
  domain: z.string(),
  changes: z.array(note.extend({ change: z.enum(['+', '~', '-']) })),
  satisfied: z.array(note),
  later: z.array(note),
  awaited: z.array(note),
  warnings: z.array(stageFailure),
  failures: z.array(stageFailure),
});
