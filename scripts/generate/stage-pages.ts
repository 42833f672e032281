import type { StageDefinition } from '../../src/stages/definition.ts';
import { DEFINITIONS, definitionOf, STAGES, type StageName } from '../../src/stages/index.ts';
import type { Language } from './table.ts';

/** The actions: one a stage, and what the jobs of a workflow need around them. */
export const ACTIONS = [...STAGES, 'check', 'plan', 'snapshot', 'unlock'] as const;
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
      brings: 'The cluster file, found without fault',
      detail:
        'It takes no secret and asks no host. Its outputs tell the jobs of a workflow how they divide the cluster.',
    },
    chinese: {
      brings: '检查集群文件无误',
      detail: '不接受任何机密，也不访问任何主机。其输出告诉工作流的各作业如何划分集群。',
    },
  },
  plan: {
    english: {
      brings: 'The plan of a whole deployment: what would change, where and why',
      detail:
        'It changes nothing. With `artifacts` it hands the plan over, and the action `preflight` stops when the hosts need anything else by then.',
    },
    chinese: {
      brings: '整个部署的计划：将更改什么、在哪里、为什么',
      detail: '不做任何更改。给出 `artifacts` 时会移交该计划；若之后主机所需与计划不符，`preflight` 会停止。',
    },
  },
  snapshot: {
    english: {
      brings: 'What one host answers, handed over to the jobs of other hosts',
      detail: 'For hosts that only the runner on them reaches. It changes nothing and judges nothing.',
    },
    chinese: {
      brings: '将一台主机的应答移交给其他主机的作业',
      detail: '用于只有自身运行器才能访问的主机。不做更改，也不做判断。',
    },
  },
  unlock: {
    english: {
      brings: 'The lock of a failed run let go of',
      detail:
        'For a first manager that only the runner on it reaches: jobs on other hosts can neither keep its lock nor release it. Another run waits for it a minute at most from then on. It touches nothing else.',
    },
    chinese: {
      brings: '释放失败运行所持有的锁',
      detail:
        '用于只有自身运行器才能访问的首个 manager：其他主机上的作业既不能续期也不能释放该锁。此后其他运行最多再等一分钟。不做任何其他更改。',
    },
  },
};
