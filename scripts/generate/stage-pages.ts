import type { StageDefinition } from '../../src/stages/definition.ts';
import { DEFINITIONS, definitionOf, STAGES, type StageName } from '../../src/stages/index.ts';
import type { Language } from './table.ts';

/** The actions: one a stage, and what the jobs of a workflow need around them. */
export const ACTIONS = [...STAGES, 'check', 'plan', 'look', 'unlock'] as const;
export type ActionName = (typeof ACTIONS)[number];

/** The stage of an action; undefined where it is none. */
export function stageOf(action: ActionName): StageDefinition<StageName> | undefined {
  const name = STAGES.find((stage) => stage === action);
  return name && definitionOf(name);
}

/** What the page of a stage says: what it brings about, in a line without an end, and what one should know of it. */
interface Words {
  readonly brings: string;
  readonly detail: string;
}

type Page = Readonly<Record<Language, Words>>;

const wordsOf = ({ purpose, detail }: StageDefinition): Page => ({
  english: { brings: purpose.english, detail: detail.english },
  chinese: { brings: purpose.chinese, detail: detail.chinese },
});

/** The words of each action's page. */
export const ACTION_PAGES: Readonly<Record<ActionName, Page>> = {
  ...(Object.fromEntries(DEFINITIONS.map((stage) => [stage.name, wordsOf(stage)])) as Record<StageName, Page>),
  check: {
    english: {
      brings: 'The cluster file, checked and free of errors',
      detail:
        'Takes no secrets and contacts no host. Its outputs say how the jobs of a workflow divide the cluster among themselves.',
    },
    chinese: {
      brings: '集群文件已检查，没有错误',
      detail: '不接受任何机密，也不访问任何主机。其输出说明工作流的各作业如何划分集群。',
    },
  },
  plan: {
    english: {
      brings: 'The plan of a whole deployment: what would change, where and why',
      detail:
        'Changes nothing. With `artifacts` it hands the plan over; the action `preflight` stops if the hosts need anything else by then.',
    },
    chinese: {
      brings: '整个部署的计划：将更改什么、在哪里更改、为何更改',
      detail: '不做任何更改。提供 `artifacts` 时会移交该计划；若届时主机需要其他更改，`preflight` 会停止。',
    },
  },
  look: {
    english: {
      brings: 'The state of one host, handed over to the jobs of other hosts',
      detail: 'For hosts that only their own runner can reach. Changes nothing and judges nothing.',
    },
    chinese: {
      brings: '记录一台主机的状态，移交给其他主机的作业',
      detail: '用于只有自身的运行器才能访问的主机。不做更改，也不做判断。',
    },
  },
  unlock: {
    english: {
      brings: 'The lock of a failed run, released',
      detail:
        'For a first manager that only its own runner can reach: jobs on other hosts can neither keep its lock nor release it. After that, another run waits for the lock for at most a minute. Touches nothing else.',
    },
    chinese: {
      brings: '释放失败运行所持有的锁',
      detail:
        '用于只有自身的运行器才能访问的第一个 manager：其他主机上的作业既不能续期也不能释放该锁。此后其他运行最多再等待一分钟。不做任何其他更改。',
    },
  },
};
