import { differing, seen, type About, type Reason } from '../../src/engine/about.ts';
import type { Failure } from '../../src/engine/errors.ts';
import type { Plan, Step } from '../../src/engine/plan.ts';
import type { Renderer } from '../../src/report/renderer.ts';
import { Report } from '../../src/report/report.ts';
import type { Mode } from '../../src/report/run-state.ts';
import { ALICE, CUT, matrixOf, planOf } from './alice.ts';

/** A face that keeps everything it is given. */
export interface Recorder extends Renderer {
  readonly lines: string[];
  readonly hidden: string[];
  readonly annotations: { readonly severity: string; readonly title: string; readonly message: string }[];
  readonly outputs: Record<string, string>;
  markdown: string;
}

/** A recorder whose screen is `width` wide; groups are shown as `[stage` and `]`. */
export function recorder(width = Infinity): Recorder {
  const lines: string[] = [];
  const kept: Recorder = {
    lines,
    hidden: [],
    annotations: [],
    outputs: {},
    markdown: '',
    layout: { width, paint: (_style, text) => text },
    line: (text) => void lines.push(text),
    open: (stage) => void lines.push(`[${stage}`),
    close: () => void lines.push(']'),
    fold: (title, folded) => void lines.push(`[${title}`, ...folded, ']'),
    annotate: (severity, title, message) => void kept.annotations.push({ severity, title, message }),
    hide: (forms) => void kept.hidden.push(...forms),
    output: (name, value) => void (kept.outputs[name] = value),
    summary: (markdown) => {
      kept.markdown = markdown;
      return Promise.resolve();
    },
  };
  return kept;
}

/** A report on the face whose clock goes on by 100 ms at each look. */
export function reportOn(face: Renderer): Report {
  let time = 0;
  return new Report(face, { docs: 'docs/troubleshooting.md', now: () => (time += 100) });
}

const OUTSIDE: Reason = { because: 'not-in-swarm' };
const JOIN: About = { kind: 'join', thing: 'node', details: { role: 'worker' } };
const READY: About = { kind: 'be-ready', thing: 'node' };
const does = (host: string, change: Step['change'], about: About, why: Reason): Step => ({
  host,
  change,
  about,
  why,
  apply: () => Promise.resolve(),
});

/** The plans of a first deployment, shortened. */
export const PLANS: Readonly<Record<string, Plan>> = {
  preflight: planOf({
    satisfied: ['node-01', 'node-02', 'node-03'].map((host) => ({
      host,
      about: { kind: 'fit', thing: 'host' },
      why: seen('engine 28.2.2, kernel 6.8.0, x86_64, 4 CPUs, 16 GiB'),
    })),
    warnings: [
      {
        code: 'host-unfit',
        host: 'node-02',
        what: '4 CPUs',
        evidence: '8 are advised',
        remedy: 'Give it more, or accept slow jobs.',
      },
    ],
  }),
  'swarm-init': planOf({
    steps: [does('node-01', '+', { kind: 'initialise', thing: 'swarm', details: { address: '10.0.0.11' } }, OUTSIDE)],
  }),
  'swarm-join': planOf({ steps: [does('node-02', '+', JOIN, OUTSIDE), does('node-03', '+', JOIN, OUTSIDE)] }),
  'network-create': planOf({
    satisfied: [
      {
        host: 'node-01',
        about: { kind: 'be-there', thing: 'overlay', name: 'kuscia-exchange-cluster' },
        why: seen('attachable, 10.200.0.0/24'),
      },
    ],
  }),
  'kuscia-start': planOf({
    steps: [
      does(
        'node-02',
        '~',
        { kind: 'replace', thing: 'replica', name: 'root-kuscia-autonomy-alice' },
        differing({ field: 'memory', from: '4 GiB', to: '8 GiB' }),
      ),
    ],
  }),
  verify: planOf({
    later: [{ host: 'node-02', about: { kind: 'match', thing: 'cluster' }, why: { because: 'after-changes' } }],
  }),
};

/** Tells a report what a run of that mode would tell it; an apply that fails does so in network-create. */
export async function play(report: Report, mode: Mode, failures: readonly Failure[] = []): Promise<void> {
  const stages = mode === 'verify' ? ['verify'] : Object.keys(PLANS);
  report.begin({ mode, cluster: ALICE, stages });
  if (mode === 'verify') report.emit({ is: 'planned', stage: 'verify', plan: planOf({ failures: [...failures] }) });
  else for (const [stage, plan] of Object.entries(PLANS)) report.emit({ is: 'planned', stage, plan });
  if (mode === 'apply') applyAll(report, failures);
  if (mode === 'verify' || (mode === 'apply' && failures.length === 0))
    report.matrix(
      failures.length === 0
        ? matrixOf()
        : matrixOf({ heartbeat: '2 min ago', node: 'Down' }, { connected: 5, total: 6 }),
    );
  await report.finish(failures);
}

function applyAll(report: Report, failures: readonly Failure[]): void {
  for (const [stage, plan] of Object.entries(PLANS)) {
    report.emit({ is: 'stage-started', stage });
    for (const each of plan.steps) report.emit({ is: 'step-started', stage, step: each });
    for (const each of plan.steps) done(report, stage, each);
    if (stage === 'swarm-join')
      report.emit({
        is: 'waiting',
        stage,
        notes: [
          { host: 'node-03', about: READY, why: seen('node n2 is down') },
          { host: 'node-02', about: READY, why: seen('node n2 is down') },
        ],
        leftMs: 58_900,
      });
    if (stage === 'network-create' && failures.length > 0) {
      report.emit({ is: 'said', stage, host: 'node-01', text: 'trying 6 pairs' });
      report.emit({ is: 'stage-failed', stage, failures, applied: [], ms: 5_000 });
      return;
    }
    report.emit({
      is: 'stage-settled',
      stage,
      plan: planOf({ satisfied: plan.satisfied }),
      applied: plan.steps,
      ms: 900,
    });
  }
}

const done = (report: Report, stage: string, each: Step): void =>
  report.emit({ is: 'step-done', stage, step: each, ms: 640 });

export { CUT };
