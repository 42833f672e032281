/** A text in both languages of the docs. */
export interface Texts {
  readonly english: string;
  readonly chinese: string;
}

/** One input of an action as data: action.yml and the tables of its page are generated from it. */
export interface JobInput {
  readonly default?: string;
  readonly description: Texts;
  /** When it must be given: `always`, or in which case. Absent: never. */
  readonly needed?: Texts;
  /** Value in the example. */
  readonly example?: string;
}

/** One action that uses the GitHub API. */
export interface JobDefinition {
  /** Folder under actions/. */
  readonly action: string;
  /** Its effect in one line without a full stop, and details. */
  readonly brings: Texts;
  readonly detail: Texts;
  /** The permission that the job's token needs. */
  readonly needs: string;
  readonly inputs: Readonly<Record<string, JobInput>>;
  readonly outputs: Readonly<Record<string, Texts>>;
  /** The `if` of a step or job that uses it, if any. */
  readonly when?: string;
}

const ALWAYS: Texts = { english: 'always', chinese: '总是' };

const token = (needs: string): JobInput => ({
  default: '${{ github.token }}',
  description: {
    english: `Token for the GitHub API. The job’s own token is sufficient if the job has the permission \`${needs}\`.`,
    chinese: `访问 GitHub API 的令牌。作业具有 \`${needs}\` 权限时，使用作业自身的令牌即可。`,
  },
});

/** The GitHub actions, by the value of `INPUT_DO`. */
export const JOBS = {
  issue: {
    action: 'report-health',
    brings: {
      english: 'Keep one open issue while a domain is not as described, and none otherwise',
      chinese: '节点（domain）与描述不符时，保持一个打开的 issue；符合时则没有',
    },
    detail: {
      english:
        'The issue is identified by a mark in its text, among the open issues with the label. Each further check ' +
        'updates the text, and comments only if the problems have changed, so that nightly runs cause no noise. ' +
        'The first check that finds the domain healthy closes the issue; later problems open a new one. A ' +
        'verification that was cancelled, or skipped although no earlier job failed, changes nothing.',
      chinese:
        '在带有该标签的未关闭 issue 中，按正文里的标记识别。再次发现同样的问题时，只更新正文；问题有变化时才发表评论，因此夜间运行不会打扰用户。首次发现恢复正常时关闭该 issue；此后再出问题会新建 issue。验证被取消，或在先前作业均未失败时被跳过，则不做任何更改。',
    },
    needs: 'issues: write',
    inputs: {
      token: token('issues: write'),
      domain: {
        needed: ALWAYS,
        description: {
          english: 'Id of the domain, as in the cluster file.',
          chinese: '节点（domain）的 id，与集群文件一致。',
        },
        example: 'alice',
      },
      result: {
        needed: ALWAYS,
        description: {
          english: 'Result of the verification job: `success`, `failure`, `cancelled` or `skipped`.',
          chinese: '验证作业的结果：`success`、`failure`、`cancelled` 或 `skipped`。',
        },
        example: '${{ needs.verify.result }}',
      },
      before: {
        description: {
          english:
            'Results of the jobs it depends on, by name, for example `check=success snapshot=failure`. If one did ' +
            'not succeed, the domain could not be verified, which is reported.',
          chinese:
            '须先完成的各作业的结果，按名称给出，例如 `check=success snapshot=failure`。如有作业未成功，则无法验证该节点（domain），issue 会报告这一点。',
        },
      },
      verify: {
        needed: { english: '`result` is success', chinese: '`result` 为 success' },
        description: {
          english:
            'The output `verify` of that job: the matrix as JSON. A success without it is rejected, because it ' +
            'proves nothing.',
          chinese: '该作业的输出 `verify`：矩阵的 JSON。结果为成功但没有该输出，不能证明任何事，会被拒绝。',
        },
        example: '${{ needs.verify.outputs.verify }}',
      },
      failures: {
        description: {
          english: 'The output `failures` of that job, as JSON.',
          chinese: '该作业的输出 `failures`：问题列表的 JSON。',
        },
        example: '${{ needs.verify.outputs.failures }}',
      },
      label: {
        default: 'kuscia-swarm',
        description: {
          english: 'Label of the issues. It is created if it does not exist.',
          chinese: 'issue 的标签，不存在时自动创建。',
        },
      },
    },
    outputs: {
      'issue-url': {
        english: 'The issue that was opened, updated or closed; empty if there is none.',
        chinese: '被打开、更新或关闭的 issue；没有则为空。',
      },
    },
    when: '${{ !cancelled() }}',
  },
  'clean-up': {
    action: 'clean-up',
    brings: {
      english: 'Delete the artifacts of this project from this run',
      chinese: '删除本次运行中属于本工具的工件（artifact）',
    },
    detail: {
      english:
        'Deletes the artifacts of this run, including all its attempts, whose names start with the prefix. A ' +
        'missing permission causes a notice, and an error from GitHub a warning, but the job does not fail: ' +
        'artifacts exchanged between jobs are sealed and expire after a day.',
      chinese:
        '仅限本次运行（含所有重试）中名称以该前缀开头的工件。没有权限时给出提示，GitHub 拒绝或无响应时给出警告，都不会失败：作业间移交的工件已加密，一天后过期。',
    },
    needs: 'actions: write',
    inputs: {
      token: token('actions: write'),
      prefix: {
        needed: ALWAYS,
        description: { english: 'Prefix of the artifact names.', chinese: '工件名称的前缀。' },
        example: 'kuscia-swarm.alice.',
      },
    },
    outputs: { deleted: { english: 'Number of deleted artifacts.', chinese: '已删除的工件数量。' } },
    when: 'always()',
  },
  approval: {
    action: 'check-approval',
    brings: { english: 'Check that an environment requires approval', chinese: '确认用于审批的环境确实需要审批' },
    detail: {
      english:
        'For a job that waits for the reviewers of an environment. GitHub creates a missing environment without ' +
        'reviewers, and the job would run immediately; such an environment is rejected. If the token may not read ' +
        'the rules, a notice says so and the job does not fail.',
      chinese:
        '用于等待环境审批人的作业：环境不存在时，GitHub 会自动新建一个没有审批人的环境，作业立即运行。这样的环境会被拒绝。令牌无权读取规则时，只给出提示，不会失败。',
    },
    needs: 'actions: read',
    inputs: {
      token: token('actions: read'),
      environment: {
        needed: ALWAYS,
        description: { english: 'Name of the environment.', chinese: '环境名称。' },
        example: 'production',
      },
    },
    outputs: {
      reviewers: {
        english: 'Number of people and teams that can approve; empty if the rules cannot be read.',
        chinese: '可以审批的人员与团队数量；无法读取规则时为空。',
      },
    },
  },
  comment: {
    action: 'comment-plan',
    brings: {
      english: 'Show the plan in one comment on the pull request, updated by each run',
      chinese: '在 PR 中以一条评论显示计划，每次运行都会更新',
    },
    detail: {
      english:
        'Only for the event `pull_request`. If the token may not write, as for a pull request from a fork, the ' +
        'plan is written to the job’s summary with a notice, and the job does not fail.',
      chinese:
        '仅用于 `pull_request` 事件。令牌没有写权限时（例如来自 fork 的 PR），计划改为写入作业摘要，并给出提示，不会失败。',
    },
    needs: 'pull-requests: write',
    inputs: {
      token: token('pull-requests: write'),
      plan: {
        needed: ALWAYS,
        description: {
          english: 'The output `plan` of an action of this project. Linux limits it to 128 KiB per step.',
          chinese: '本项目 action 的输出 `plan`。Linux 下传给步骤的上限为 128 KiB。',
        },
        example: '${{ steps.plan.outputs.plan }}',
      },
    },
    outputs: {
      'comment-url': {
        english: 'The comment; empty if the plan was written to the summary.',
        chinese: '评论地址；计划写入摘要时为空。',
      },
    },
    when: "github.event_name == 'pull_request'",
  },
} as const satisfies Readonly<Record<string, JobDefinition>>;

/** Name of one GitHub action. */
export type JobName = keyof typeof JOBS;
