import { modes, OPERATIONS, type Mode } from '../operations/index.ts';
import { STAGES } from '../stages/index.ts';

/**
 * How an input is given. `file` and `secret` are longer texts: outside GitHub a file or an environment variable, never
 * an argument.
 */
export type InputKind = 'word' | 'flag' | 'path' | 'file' | 'secret';

/**
 * One input of the action, as data: action.yml, the command line's usage and the tables of the docs are made from it.
 */
export interface InputDefinition {
  readonly kind: InputKind;
  readonly default?: string;
  /** What it is, in a sentence or two. */
  readonly description: string;
  readonly chinese: string;
  /** When it must be given: `always`, or in which case. Absent: never. */
  readonly needed?: { readonly english: string; readonly chinese: string };
  /**
   * True for what only jobs of a workflow need, which divide a deployment among them: the root action has no such
   * input.
   */
  readonly jobs?: true;
}

const ALWAYS = { english: 'always', chinese: '总是' };
const OVER_SSH = { english: 'a host is reached over SSH', chinese: '有主机经 SSH 访问' };
const HTTPS = {
  english: '`load-balancer.scheme` is https and a stage leads to the load balancer',
  chinese: '`load-balancer.scheme` 为 https，且所执行的阶段涉及负载均衡',
};

/** The modes of a run. */
export const MODES = modes(({ offered }) => offered !== 'to jobs');

/** The modes of a job. */
export const JOB_MODES = modes(() => true);

/** The modes of a workflow that deploys. */
export const WORKFLOW_MODES = modes(({ offered }) => offered === 'to workflows');

const does = (mode: Mode, language: 'english' | 'chinese'): string => `\`${mode}\` ${OPERATIONS[mode].does[language]}`;

/** The inputs of the root action, in the order in which they are shown. */
export const INPUTS = {
  mode: {
    kind: 'word',
    default: 'apply',
    description: `What to do: ${MODES.map((mode) => does(mode, 'english')).join(', ')}.`,
    chinese: `要做什么：${MODES.map((mode) => does(mode, 'chinese')).join('；')}。`,
  },
  stage: {
    kind: 'word',
    default: 'all',
    description: `The stages to run, separated by commas or blanks, or \`all\`: ${STAGES.join(', ')}. They always run in this order.`,
    chinese: `要执行的阶段，以逗号或空格分隔，或 \`all\`：${STAGES.join('、')}。总是按此顺序执行。`,
  },
  cluster: {
    kind: 'path',
    needed: ALWAYS,
    description:
      'The cluster file: its path, relative to the workspace, or its text (taken for the text when it has more than one line).',
    chinese: '集群文件：相对于工作区的路径，或文件内容本身（含换行即视为内容）。',
  },
  'ssh-key': {
    kind: 'secret',
    needed: OVER_SSH,
    description: 'Private key for the hosts and the bastion, in OpenSSH or PEM form.',
    chinese: '登录主机与跳板机的私钥，OpenSSH 或 PEM 格式。',
  },
  'ssh-key-passphrase': {
    kind: 'secret',
    needed: { english: 'the SSH key is encrypted', chinese: 'SSH 私钥已加密' },
    description: 'Passphrase of the SSH key.',
    chinese: 'SSH 私钥的口令。',
  },
  'bastion-key': {
    kind: 'secret',
    description:
      'Private key for the bastion, where it takes another one than the hosts. Without it the SSH key is used.',
    chinese: '登录跳板机的私钥，用于跳板机与主机的私钥不同的情况。不提供时使用 SSH 私钥。',
  },
  'bastion-key-passphrase': {
    kind: 'secret',
    needed: { english: 'the key of the bastion is encrypted', chinese: '跳板机的私钥已加密' },
    description: 'Passphrase of the key of the bastion.',
    chinese: '跳板机私钥的口令。',
  },
  'known-hosts': {
    kind: 'file',
    needed: OVER_SSH,
    description:
      'Public keys of the hosts and the bastion, as lines of a known_hosts file. A host that is not named there is not connected to.',
    chinese: '主机与跳板机的公钥，known_hosts 文件格式。未列出的主机不会被连接。',
  },
  'database-password': {
    kind: 'secret',
    needed: {
      english: 'a stage asks the database: preflight, mysql-up, kuscia-init or verify',
      chinese: '所执行的阶段会访问数据库：preflight、mysql-up、kuscia-init 或 verify',
    },
    description:
      'Password of the database user of the cluster file, of at least 8 characters. Printable ASCII without blanks, quotes and backslashes, because it becomes part of a DSN.',
    chinese:
      '集群文件中数据库用户的密码，至少 8 个字符。仅限可打印 ASCII 字符，不含空格、引号与反斜杠，因为它会成为 DSN 的一部分。',
  },
  'registry-password': {
    kind: 'secret',
    needed: {
      english: 'the cluster file has `registry` and a stage brings images',
      chinese: '集群文件含有 `registry`，且所执行的阶段需要镜像',
    },
    description: 'Password or token for the registry of the cluster file.',
    chinese: '集群文件中镜像仓库的密码或令牌。',
  },
  'kuscia-config': {
    kind: 'secret',
    description:
      'Kuscia configuration of the domain (YAML), where it exists already and no host has it. Without it the first run makes one.',
    chinese:
      '该节点（domain）已有的 Kuscia 配置（YAML），用于配置已存在而各主机上都没有的情况。不提供时，首次运行会生成。',
  },
  'load-balancer-certificate': {
    kind: 'file',
    needed: HTTPS,
    description: 'Certificate of the load balancer in PEM form, with its chain.',
    chinese: '负载均衡的证书（PEM，含证书链）。',
  },
  'load-balancer-key': {
    kind: 'secret',
    needed: HTTPS,
    description: 'Private key of that certificate in PEM form, without passphrase.',
    chinese: '该证书的私钥（PEM，无口令）。',
  },
  images: {
    kind: 'path',
    description:
      'Folder with image archives as `docker save` writes them (`*.tar`, `*.tar.gz`, `*.tgz`). What a host lacks and an archive holds is sent there; the rest is pulled. Blank: everything is pulled.',
    chinese:
      '存放镜像归档（`docker save` 生成的 `*.tar`、`*.tar.gz`、`*.tgz`）的文件夹。主机缺少而归档中有的镜像由此发送，其余从仓库拉取。留空则全部拉取。',
  },
  repair: {
    kind: 'flag',
    default: 'false',
    description:
      '`true` lets a stage remove what is in the way, such as a network of the right name and the wrong type. It never removes data.',
    chinese: '`true` 允许阶段移除障碍物，例如名称正确但类型错误的网络。绝不会删除数据。',
  },
  'upgrade-database': {
    kind: 'flag',
    default: 'false',
    description:
      '`true` lets another `database.image` upgrade the files of the database, which cannot be undone. Make a backup first.',
    chinese: '`true` 允许新的 `database.image` 升级数据库文件；此操作不可撤销，请先备份。',
  },
  'task-wait': {
    kind: 'word',
    default: '10',
    description:
      'Minutes to wait, before a replica that runs tasks is restarted or replaced, until they have ended; after that they are ended with it. 0 ends them at once.',
    chinese:
      '重启或替换正在运行任务的副本之前，等待任务结束的最长分钟数；超时后任务随副本一同终止。0 表示不等待，直接终止。',
  },
  'lock-wait': {
    kind: 'word',
    default: '10',
    description:
      'Minutes to wait, before anything is changed, while another run deploys the same domain; 0 waits for none.',
    chinese: '更改之前，若另一运行正在部署同一节点（domain），最多等待的分钟数；0 表示不等待。',
  },
  'break-lock': {
    kind: 'word',
    description:
      'Holder whose lock is broken, as the message about it gives it: for a run that is known to do nothing any more.',
    chinese: '要强制解除其锁的持有者（以提示信息中给出的为准）：仅用于确知已不再工作的运行。',
  },
  domain: {
    kind: 'word',
    jobs: true,
    description: 'The domain that the cluster file must be of, where something else relies on it.',
    chinese: '集群文件必须属于的节点（domain），供其他部分依赖时使用。',
  },
  'workflow-mode': {
    kind: 'word',
    jobs: true,
    description: 'The mode in which the workflow goes on, `apply` or `plan`.',
    chinese: '工作流随后采用的模式，`apply` 或 `plan`。',
  },
  host: {
    kind: 'word',
    jobs: true,
    description:
      'A host of the cluster file: only its part of the stage is done, as a job of a matrix does. Without it the stage is done on every host.',
    chinese: '集群文件中的一台主机：只执行该阶段中属于它的部分（用于矩阵作业）。不提供时在所有主机上执行。',
  },
  here: {
    kind: 'word',
    jobs: true,
    needed: { english: 'several hosts have `via: local`', chinese: '有多台主机为 `via: local`' },
    description:
      'The host on which this runs. Of other hosts with `via: local`, what their own jobs handed over is taken.',
    chinese: '当前运行所在的主机。其他 `via: local` 主机的信息取自它们自己的作业所移交的内容。',
  },
  runner: {
    kind: 'word',
    jobs: true,
    default: 'ubuntu-latest',
    description:
      'The runner of jobs whose host names none in the cluster file. A label, or JSON as `runs-on` takes it.',
    chinese: '集群文件未指定运行器的作业所用的运行器；标签，或 `runs-on` 接受的 JSON。',
  },
  'agreed-runners': {
    kind: 'word',
    jobs: true,
    description:
      'The only runners that hosts may name, by host as JSON: the output `runners` of this action for the cluster file on the default branch. Blank: those of the cluster file are taken.',
    chinese:
      '各主机可以使用的运行器（JSON，按主机）：本 action 对默认分支上的集群文件给出的输出 `runners`。留空则采用集群文件自身的。',
  },
  'seal-key': {
    kind: 'secret',
    needed: { english: 'artifacts are exchanged or logs are kept', chinese: '需要交换工件或保存日志' },
    description:
      'What seals artifacts: an age identity (AGE-SECRET-KEY-1..., as `age-keygen` prints it), or a passphrase of at least 16 characters.',
    chinese: '用于封装工件的密钥：age 身份（AGE-SECRET-KEY-1…，由 `age-keygen` 生成），或至少 16 个字符的口令。',
  },
  'artifacts-in': {
    kind: 'path',
    jobs: true,
    description: 'Folder with the sealed files that earlier jobs handed over.',
    chinese: '存放先前作业移交的封装文件的文件夹。',
  },
  'artifacts-out': {
    kind: 'path',
    jobs: true,
    description: 'Folder for the sealed files that this job hands over.',
    chinese: '存放本作业所移交的封装文件的文件夹。',
  },
  'logs-out': {
    kind: 'path',
    description:
      'Folder for the logs of the hosts, sealed, which a failed run leaves there. Blank: they are only searched for the cause, and not kept.',
    chinese: '运行失败时存放各主机日志（已封装）的文件夹。留空则仅用于查找原因，不保存。',
  },
} as const satisfies Record<string, InputDefinition>;

export type InputName = keyof typeof INPUTS;

/** Every input with its name. */
export const INPUT_LIST: readonly (InputDefinition & { readonly name: InputName })[] = (
  Object.keys(INPUTS) as InputName[]
).map((name) => ({ name, ...INPUTS[name] }));

/** The inputs of the root action. */
export const ROOT_INPUTS = INPUT_LIST.filter(({ jobs }) => jobs !== true);

/** The outputs of the root action. */
export const OUTPUTS: Readonly<Record<string, { readonly description: string; readonly chinese: string }>> = {
  changed: {
    description: 'Number of changes that were made; 0 when everything was so already.',
    chinese: '所做更改的数量；一切已就绪时为 0。',
  },
  plan: {
    description:
      'The plan of each stage as JSON: steps with host and reason, what is satisfied, what can only be known later.',
    chinese: '各阶段计划的 JSON：步骤（含主机与原因）、已满足的、稍后才能确定的。',
  },
  changes: {
    description:
      'Number of changes that the plan has, with those that can only be known later; 0 where there is nothing to approve.',
    chinese: '计划中的更改数量，包括稍后才能确定的；没有需要审批的内容时为 0。',
  },
  verify: {
    description: 'The replica × check matrix as JSON; empty when the stage verify did not run.',
    chinese: '副本 × 检查项矩阵的 JSON；未执行 verify 阶段时为空。',
  },
  failures: {
    description:
      'What went wrong, as JSON: a list of code, host, what, evidence, cause and remedy; `[]` when nothing did.',
    chinese: '出错内容的 JSON：由 code、host、what、evidence、cause、remedy 组成的列表；无错误时为 `[]`。',
  },
  logs: {
    description: 'Number of sealed files with logs that a failed run left in `logs-out`.',
    chinese: '运行失败时留在 `logs-out` 中的日志封装文件数量。',
  },
  'load-balancer-url': {
    description: 'Where peers reach the domain: scheme, address and port of the load balancer.',
    chinese: '对方机构访问该节点的地址：负载均衡的协议、地址与端口。',
  },
};

/** The outputs of the mode `divide`, for the jobs of a workflow. */
export const CHECK_OUTPUTS: typeof OUTPUTS = {
  domain: { description: 'The Kuscia domain of the cluster file.', chinese: '集群文件中的 Kuscia 节点（domain）。' },
  call: {
    description: 'A word of this deployment alone, for the names of its artifacts: one run may make several.',
    chinese: '仅属于本次部署的标识，用于其工件名称：一次运行可以包含多次部署。',
  },
  jobs: {
    description: 'The matrix of each job as JSON: for each stage a list of host, here and runner.',
    chinese: '各作业矩阵的 JSON：每个阶段对应一个由 host、here、runner 组成的列表。',
  },
  runners: {
    description: 'Labels of the runners that the cluster file names, by host as JSON.',
    chinese: '集群文件所指定的运行器标签的 JSON，按主机。',
  },
};

/** The environment variable in which GitHub's runner hands an input over. */
export const inputVariable = (name: InputName): string => `INPUT_${name.toUpperCase()}`;

/** The environment variable in which an input is given outside GitHub. */
export const ownVariable = (name: InputName): string => `KUSCIA_SWARM_${name.toUpperCase().replaceAll('-', '_')}`;

/** The option of the command line that gives an input. */
export function optionOf(name: InputName): string {
  const { kind }: InputDefinition = INPUTS[name];
  return kind === 'file' || kind === 'secret' ? `${name}-file` : name;
}
