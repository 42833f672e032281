import { data, Evaluator, Lexer, Parser } from '@actions/expressions';

/** The context in which GitHub decides whether a job runs. */
export interface Circumstances {
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Results and outputs of the jobs that it needs. */
  readonly needs?: Readonly<
    Record<string, { readonly result: string; readonly outputs?: Readonly<Record<string, string>> }>
  >;
  readonly cancelled?: boolean;
  readonly matrix?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly steps?: Readonly<Record<string, { readonly outputs: Readonly<Record<string, string>> }>>;
}

/** The value of an expression in such circumstances, by GitHub's own evaluator. What failed is taken from the results. */
export function valueOf(
  expression: string,
  { inputs = {}, needs = {}, cancelled = false, matrix = {}, secrets = {}, steps = {} }: Circumstances,
  github: Readonly<Record<string, string>> = {},
): unknown {
  const text = expression
    .replace(/^\$\{\{|\}\}$/g, '')
    .replaceAll('failure()', 'status.failure')
    .replaceAll('cancelled()', 'status.cancelled');
  const status = { failure: Object.values(needs).some(({ result }) => result === 'failure'), cancelled };
  const context = JSON.parse(
    JSON.stringify({ inputs, needs, status, github, matrix, secrets, steps }),
    data.reviver,
  ) as data.Dictionary;
  const tree = new Parser(
    new Lexer(text).lex().tokens,
    ['inputs', 'needs', 'status', 'github', 'matrix', 'secrets', 'steps'],
    [],
  ).parse();
  return JSON.parse(JSON.stringify(new Evaluator(tree, context).evaluate(), data.replacer)) as unknown;
}
