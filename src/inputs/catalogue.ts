import { modes, OPERATIONS, type Mode } from '../operations/index.ts';
import { STAGES } from '../stages/index.ts';

/**
 * How an input is given. Outside GitHub, `file` and `secret` are given by a file or an environment variable, never as
 * an argument.
 */
export type InputKind = 'word' | 'flag' | 'path' | 'file' | 'secret';

/**
 * One input of the action as data: action.yml, the command line's usage and the tables in the docs are generated from
 * it.
 */
export interface InputDefinition {
  readonly kind: InputKind;
  readonly default?: string;
  /** One or two sentences. */
  readonly description: string;
  readonly chinese: string;
  /** When it is required: `always`, or under which condition. Absent: never. */
  readonly needed?: { readonly english: string; readonly chinese: string };
  /**
   * True for inputs needed only by the jobs of a workflow that divide a deployment among them. The root action does not
   * have them.
   */
  readonly jobs?: true;
}

const ALWAYS = { english: 'always', chinese: '总是' };
const OVER_SSH = { english: 'a host is reached over SSH', chinese: '有主机经 SSH 访问' };
const HTTPS = {
  english: '`load-balancer.scheme` is https and a stage uses the load balancer',
  chinese: '`load-balancer.scheme` 为 https，且所执行的阶段涉及负载均衡',
};

/** The modes of a run. */
export const MODES = modes(({ offered }) => offered !== 'to jobs');

/** The modes of a job. */
export const JOB_MODES = modes(() => true);

/** The modes of a deployment workflow. */
export const WORKFLOW_MODES = modes(({ offered }) => offered === 'to workflows');

const does = (mode: Mode, language: 'english' | 'chinese'): string => OPERATIONS[mode].does[language];

/** All inputs, in display order. */
export const INPUTS = {
  mode: {
    kind: 'word',
    default: 'apply',
    description: `What to do. ${MODES.map((mode) => `\`${mode}\`: ${does(mode, 'english')}.`).join(' ')}`,
    chinese: `要做什么：${MODES.map((mode) => `\`${mode}\` ${does(mode, 'chinese')}`).join('；')}。`,
  },
  stage: {
    kind: 'word',
    default: 'all',
    description: `Stages to run, separated by commas or spaces, or \`all\`: ${STAGES.join(', ')}. They always run in this order.`,
    chinese: `要执行的阶段，以逗号或空格分隔，或 \`all\`：${STAGES.join('、')}。始终按此顺序执行。`,
  },
  cluster: {
    kind: 'path',
    needed: ALWAYS,
    description:
      'The cluster file: its path relative to the workspace, or its content (if the value has more than one line).',
    chinese: '集群文件：相对于工作区的路径，或文件内容本身（含换行符即视为内容）。',
  },
  'ssh-key': {
    kind: 'secret',
    needed: OVER_SSH,
    description: 'Private SSH key for the hosts and the bastion, in OpenSSH or PEM format.',
    chinese: '登录主机与跳板机所用的私钥，OpenSSH 或 PEM 格式。',
  },
  'ssh-key-passphrase': {
    kind: 'secret',
    needed: { english: 'the SSH key is encrypted', chinese: 'SSH 私钥已加密' },
    description: 'Passphrase of the SSH key.',
    chinese: 'SSH 私钥的口令。',
  },
  'bastion-key': {
    kind: 'secret',
    description: 'Private SSH key for the bastion, if it differs from the key for the hosts. Default: the SSH key.',
    chinese: '登录跳板机所用的私钥，用于跳板机与主机的私钥不同的情况。不提供时使用 SSH 私钥。',
  },
  'bastion-key-passphrase': {
    kind: 'secret',
    needed: { english: 'the bastion key is encrypted', chinese: '跳板机的私钥已加密' },
    description: 'Passphrase of the bastion key.',
    chinese: '跳板机私钥的口令。',
  },
  'known-hosts': {
    kind: 'file',
    needed: OVER_SSH,
    description:
      'Host keys of the hosts and the bastion, in known_hosts format. Hosts that are not listed are not connected to.',
    chinese: '主机与跳板机的公钥，known_hosts 文件格式。未列出的主机不会被连接。',
  },
  'database-password': {
    kind: 'secret',
    needed: {
      english: 'a stage accesses the database: preflight, mysql-up, kuscia-init or verify',
      chinese: '所执行的阶段会访问数据库：preflight、mysql-up、kuscia-init 或 verify',
    },
    description:
      'Password of the database user in the cluster file. At least 8 printable ASCII characters, without spaces, quotes and backslashes, because it becomes part of a DSN.',
    chinese:
      '集群文件中数据库用户的密码，至少 8 个字符。仅限可打印 ASCII 字符，不含空格、引号与反斜杠，因为它会成为 DSN 的一部分。',
  },
  'registry-password': {
    kind: 'secret',
    needed: {
      english: 'the cluster file has `registry` and a stage needs images',
      chinese: '集群文件含有 `registry`，且所执行的阶段需要镜像',
    },
    description: 'Password or token for the registry in the cluster file.',
    chinese: '集群文件中镜像仓库的密码或令牌。',
  },
  'kuscia-config': {
    kind: 'secret',
    description:
      'Existing Kuscia configuration (YAML) of the domain, if no host has it yet. Default: the first run generates one.',
    chinese:
      '该节点（domain）已有的 Kuscia 配置（YAML），用于配置已存在但各主机上都没有的情况。不提供时，首次运行会生成配置。',
  },
  'load-balancer-certificate': {
    kind: 'file',
    needed: HTTPS,
    description: 'Certificate of the load balancer in PEM format, with its chain.',
    chinese: '负载均衡的证书（PEM，含证书链）。',
  },
  'load-balancer-key': {
    kind: 'secret',
    needed: HTTPS,
    description: 'Private key of the certificate in PEM format, without passphrase.',
    chinese: '该证书的私钥（PEM，无口令）。',
  },
  images: {
    kind: 'path',
    description:
      'Directory with image archives written by `docker save` (`*.tar`, `*.tar.gz`, `*.tgz`). Images that a host lacks are sent from an archive if there is one, and pulled otherwise. Blank: all images are pulled.',
    chinese:
      '存放镜像归档（`docker save` 生成的 `*.tar`、`*.tar.gz`、`*.tgz`）的文件夹。主机缺少的镜像如果有归档，则从运行器发送，否则从镜像仓库拉取。留空则全部拉取。',
  },
  repair: {
    kind: 'flag',
    default: 'false',
    description:
      '`true` allows stages to remove obstacles, such as a network with the right name and the wrong type. Data is never removed.',
    chinese: '`true` 允许各阶段清除阻碍部署的对象，例如名称正确但类型错误的网络。绝不会删除数据。',
  },
  'upgrade-database': {
    kind: 'flag',
    default: 'false',
    description:
      '`true` allows a new `database.image` to upgrade the database files, which cannot be undone. Make a backup first.',
    chinese: '`true` 允许新的 `database.image` 升级数据库文件；此操作不可撤销，请先备份。',
  },
  'task-wait': {
    kind: 'word',
    default: '10',
    description:
      'Minutes to wait for running tasks before their replica is restarted or replaced, which ends them. 0: do not wait.',
    chinese:
      '重启或替换正在运行任务的副本之前，等待任务结束的最长分钟数；超时后任务随副本一同终止。0 表示不等待，直接终止。',
  },
  'lock-wait': {
    kind: 'word',
    default: '10',
    description:
      'Minutes to wait for another run that is deploying the same domain, before anything is changed. 0: do not wait.',
    chinese: '做更改之前，如果另一运行正在部署同一节点（domain），最多等待的分钟数；0 表示不等待。',
  },
  'break-lock': {
    kind: 'word',
    description:
      'Holder of the lock to break, as shown in the message about the lock. Use it only if that run is known to have stopped.',
    chinese: '要强制解除的锁的持有者（以消息中给出的为准）。仅当确知该运行已停止工作时使用。',
  },
  domain: {
    kind: 'word',
    jobs: true,
    description: 'The domain that the cluster file must describe. For workflows that rely on it.',
    chinese: '集群文件必须描述的节点（domain），用于依赖该节点的工作流。',
  },
  'workflow-mode': {
    kind: 'word',
    jobs: true,
    description: 'The mode of the rest of the workflow: `apply` or `plan`.',
    chinese: '工作流其余部分所用的模式：`apply` 或 `plan`。',
  },
  host: {
    kind: 'word',
    jobs: true,
    description:
      'A host in the cluster file. The stage runs only on this host, as in a matrix job. Default: all hosts.',
    chinese: '集群文件中的一台主机：该阶段只在这台主机上执行（用于矩阵作业）。不提供时在所有主机上执行。',
  },
  here: {
    kind: 'word',
    jobs: true,
    needed: { english: 'several hosts have `via: local`', chinese: '多台主机设置了 `via: local`' },
    description:
      'The host on which the job runs. For other hosts with `via: local`, the artifacts of their own jobs are used.',
    chinese: '作业所在的主机。其他 `via: local` 主机的信息取自这些主机的作业所移交的工件。',
  },
  runner: {
    kind: 'word',
    jobs: true,
    default: 'ubuntu-latest',
    description: 'Runner for jobs whose host has no `runner` in the cluster file. A label, or JSON as in `runs-on`.',
    chinese: '主机在集群文件中没有 `runner` 时，其作业所用的运行器：标签，或与 `runs-on` 相同的 JSON。',
  },
  'approved-runners': {
    kind: 'word',
    jobs: true,
    description:
      'Runners that hosts are allowed to use, as JSON by host: the output `runners` of this action for the cluster file on the default branch. Blank: use the runners in the cluster file.',
    chinese:
      '允许各主机使用的运行器（JSON，按主机）：即本 action 对默认分支上的集群文件给出的输出 `runners`。留空则采用该集群文件中的运行器。',
  },
  'seal-key': {
    kind: 'secret',
    needed: { english: 'artifacts are exchanged or logs are kept', chinese: '需要交换工件或保存日志' },
    description:
      'Key that encrypts artifacts: an age identity (AGE-SECRET-KEY-1..., generated by `age-keygen`), or a passphrase of at least 16 characters.',
    chinese: '用于加密工件的密钥：age 身份（AGE-SECRET-KEY-1…，由 `age-keygen` 生成），或至少 16 个字符的口令。',
  },
  'artifacts-in': {
    kind: 'path',
    jobs: true,
    description: 'Directory with the sealed artifacts of earlier jobs.',
    chinese: '存放先前作业所移交加密工件的文件夹。',
  },
  'artifacts-out': {
    kind: 'path',
    jobs: true,
    description: 'Directory for the sealed artifacts of this job.',
    chinese: '存放本作业所移交加密工件的文件夹。',
  },
  'logs-out': {
    kind: 'path',
    description:
      'Directory in which a failed run saves the sealed logs of the hosts. Blank: logs are only searched for the cause, and not kept.',
    chinese: '运行失败时存放各主机日志（已加密）的文件夹。留空则日志仅用于查找原因，不保存。',
  },
} as const satisfies Record<string, InputDefinition>;

export type InputName = keyof typeof INPUTS;

/** Every input, with its name. */
export const INPUT_LIST: readonly (InputDefinition & { readonly name: InputName })[] = (
  Object.keys(INPUTS) as InputName[]
).map((name) => ({ name, ...INPUTS[name] }));

/** The inputs of the root action. */
export const ROOT_INPUTS = INPUT_LIST.filter(({ jobs }) => jobs !== true);

/** The outputs of the root action. */
export const OUTPUTS: Readonly<Record<string, { readonly description: string; readonly chinese: string }>> = {
  changed: {
    description: 'Number of changes made; 0 if everything was up to date.',
    chinese: '所做更改的数量；无需更改时为 0。',
  },
  plan: {
    description:
      'The plan of each stage as JSON: steps with host and reason, what is up to date, what is known only after apply.',
    chinese: '各阶段计划的 JSON：步骤（含主机与原因）、已满足的项目、apply 之后才能确定的项目。',
  },
  changes: {
    description:
      'Number of changes in the plan, including those known only after apply; 0 if there is nothing to approve.',
    chinese: '计划中的更改数量，包括 apply 之后才能确定的更改；没有需要审批的内容时为 0。',
  },
  verify: {
    description: 'The replica × check matrix as JSON; empty if the stage verify did not run.',
    chinese: '副本 × 检查项矩阵的 JSON；未执行 verify 阶段时为空。',
  },
  failures: {
    description: 'Failures as JSON: a list of code, host, what, evidence, cause and remedy; `[]` if there are none.',
    chinese: '错误的 JSON：由 code、host、what、evidence、cause、remedy 组成的列表；无错误时为 `[]`。',
  },
  logs: {
    description: 'Number of sealed log files that a failed run saved in `logs-out`.',
    chinese: '运行失败时保存在 `logs-out` 中的加密日志文件数量。',
  },
  'load-balancer-url': {
    description: 'URL at which peers reach the domain: scheme, address and port of the load balancer.',
    chinese: '合作方访问该节点（domain）所用的 URL：负载均衡的协议、地址与端口。',
  },
};

/** The outputs of the mode `divide`, for the jobs of a workflow. */
export const CHECK_OUTPUTS: typeof OUTPUTS = {
  domain: { description: 'The Kuscia domain in the cluster file.', chinese: '集群文件中的 Kuscia 节点（domain）。' },
  call: {
    description:
      'Unique prefix for the artifact names of this deployment, because one run may contain several deployments.',
    chinese: '本次部署所用工件名称的唯一前缀，因为一次运行可以包含多次部署。',
  },
  jobs: {
    description: 'The matrix of each job as JSON: a list of host, here and runner for each stage.',
    chinese: '各作业矩阵的 JSON：每个阶段对应一个列表，其各项由 host、here、runner 组成。',
  },
  runners: {
    description: 'Labels of the runners in the cluster file, as JSON by host.',
    chinese: '集群文件中的运行器标签（JSON，按主机）。',
  },
};

/** The environment variable in which GitHub's runner passes an input. */
export const inputVariable = (name: InputName): string => `INPUT_${name.toUpperCase()}`;

/** The environment variable for an input outside GitHub. */
export const ownVariable = (name: InputName): string => `KUSCIA_SWARM_${name.toUpperCase().replaceAll('-', '_')}`;

/** The command line option for an input. */
export function optionOf(name: InputName): string {
  const { kind }: InputDefinition = INPUTS[name];
  return kind === 'file' || kind === 'secret' ? `${name}-file` : name;
}
