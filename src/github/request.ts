import type { z } from 'zod';
import type { Matrix } from '../cluster/matrix.ts';
import { DeploymentError, type Failure } from '../engine/errors.ts';
import { Secret } from '../engine/secret.ts';
import type { PlanDocument } from '../report/plan.ts';
import { JOBS, type JobName } from './catalogue.ts';
import { failuresSchema, matrixSchema, planSchema } from './documents.ts';
import type { Environment } from './place.ts';

/** The result of a verification. */
export interface Health {
  readonly domain: string;
  /** Result of the verification job, in GitHub's terms. */
  readonly result: Result;
  /** Earlier jobs that failed, so that nothing could be verified. */
  readonly failed: readonly { readonly job: string; readonly result: Result }[];
  /** Absent if the verification did not get that far. */
  readonly matrix?: Matrix;
  readonly failures: readonly Failure[];
  readonly label: string;
}

/** What this run should do at GitHub. Texts are unmodified. */
export type Request =
  | { readonly do: 'issue'; readonly health: Health }
  | { readonly do: 'clean-up'; readonly prefix: string }
  | { readonly do: 'approval'; readonly environment: string }
  | { readonly do: 'comment'; readonly plan: PlanDocument };

const RESULTS = ['success', 'failure', 'cancelled', 'skipped'] as const;
type Result = (typeof RESULTS)[number];
/** As in the cluster file; nothing else is allowed in a mark. */
const DOMAIN = /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/;
/** GitHub's limit, and a comma would separate two labels in a search. */
const LABEL = /^[^,\r\n]{1,50}$/;

/** The given token; undefined if there is none. */
export function tokenIn(env: Environment): Secret | undefined {
  const text = (env['INPUT_TOKEN'] ?? '').trim();
  return text === '' ? undefined : new Secret('token', text);
}

/** Reads the request. Throws a DeploymentError for every invalid input. */
export function readRequest(env: Environment): Request {
  const given = new Given(env);
  const asked = given.word('do', Object.keys(JOBS) as JobName[]);
  if (tokenIn(env) === undefined) given.wrong('token', 'is missing');
  const request = asked && READERS[asked](given);
  if (request === undefined || given.faults.length > 0) throw new DeploymentError(given.faults);
  return request;
}

/** Each returns what it read, which is used only if there were no errors. */
const READERS: Readonly<Record<JobName, (given: Given) => Request | undefined>> = {
  issue: (given) => ({ do: 'issue', health: health(given) }),
  'clean-up': (given) => ({ do: 'clean-up', prefix: given.text('prefix') }),
  approval: (given) => ({ do: 'approval', environment: given.text('environment') }),
  comment(given) {
    if (given.text('plan') === '') return undefined;
    const plan = given.document('plan', planSchema);
    if (plan && !DOMAIN.test(plan.domain)) given.wrong('plan', 'has no valid domain');
    return plan && { do: 'comment', plan };
  },
};

function health(given: Given): Health {
  const domain = given.text('domain');
  if (domain !== '' && !DOMAIN.test(domain)) given.wrong('domain', 'is not a valid domain id');
  const result = given.word('result', RESULTS) ?? 'failure';
  const matrix = given.document('verify', matrixSchema);
  if (matrix && matrix.domain !== domain) given.wrong('verify', `is about the domain ${matrix.domain}, not ${domain}`);
  if (!matrix && result === 'success') given.wrong('verify', 'is missing: a success without the matrix proves nothing');
  const label = given.text('label', JOBS.issue.inputs.label.default);
  if (!LABEL.test(label)) given.wrong('label', 'contains a comma or has more than 50 characters');
  return {
    domain,
    result,
    failed: failedBefore(given),
    failures: given.document('failures', failuresSchema) ?? [],
    label,
    ...(matrix && { matrix }),
  };
}

/** Earlier jobs that failed or were cancelled; a skipped one was not needed. */
function failedBefore(given: Given): Health['failed'] {
  return given.words('before').flatMap((word) => {
    const [, job = '', outcome = ''] = /^([A-Za-z_][\w-]*)=([a-z]+)$/.exec(word) ?? [];
    const result = RESULTS.find((candidate) => candidate === outcome);
    if (result === undefined)
      given.wrong('before', `contains ${JSON.stringify(word)}, which is not NAME=RESULT (${RESULTS.join(', ')})`);
    return result === 'failure' || result === 'cancelled' ? [{ job, result }] : [];
  });
}

/** The inputs as passed by GitHub, and their errors. Blank means not given. */
class Given {
  readonly faults: Failure[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  wrong(name: string, fault: string): void {
    this.faults.push({ code: 'input-invalid', what: `input ${name} ${fault}`, remedy: `Correct the input ${name}.` });
  }

  /** The text of an input, or its default; without a default the input is required. */
  text(name: string, otherwise?: string): string {
    const text = this.#text(name);
    if (text === '' && otherwise === undefined) this.wrong(name, 'is missing');
    return text || (otherwise ?? '');
  }

  /** The words of an input; none if it is blank. */
  words(name: string): readonly string[] {
    return this.#text(name)
      .split(/\s+/)
      .filter((word) => word !== '');
  }

  /** One of a few words. */
  word<W extends string>(name: string, words: readonly W[]): W | undefined {
    const text = this.text(name);
    const word = words.find((candidate) => candidate === text);
    if (text !== '' && word === undefined) this.wrong(name, `is not one of ${words.join(', ')}`);
    return word;
  }

  /** A document with that schema; undefined if not given. */
  document<T>(name: string, schema: z.ZodType<T>): T | undefined {
    const text = this.#text(name);
    if (text === '') return undefined;
    const parsed = schema.safeParse(jsonIn(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    this.wrong(
      name,
      `is not an output of an action of this project: ${issue?.path.join('.') || 'it'}: ${issue?.message}`,
    );
    return undefined;
  }

  #text(name: string): string {
    return (this.#env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
  }
}

/** Parses JSON; undefined if it is invalid. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
