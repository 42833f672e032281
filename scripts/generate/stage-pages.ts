import { modes, OPERATIONS, type Mode } from '../../src/operations/index.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { STAGES, type StageName } from '../../src/stages/names.ts';
import type { Language } from './table.ts';

/** The name of an action: that of its folder. */
export type ActionName = string;

/** An operation with an action of its own. */
interface Operated {
  readonly mode: Mode;
  readonly operation: Operation;
  readonly action: NonNullable<Operation['action']>;
}

const OPERATED = modes(() => true).flatMap((mode): Operated[] => {
  const operation: Operation = OPERATIONS[mode];
  return operation.action ? [{ mode, operation, action: operation.action }] : [];
});

/** The actions: one a stage, and those of operations that the jobs of a workflow need around them. */
export const ACTIONS: readonly ActionName[] = [...STAGES, ...OPERATED.map(({ action }) => action.name)];

/** The operation of an action; undefined where it is that of a stage. */
export const operatedBy = (name: ActionName): Operated | undefined =>
  OPERATED.find(({ action }) => action.name === name);

/** The stage of an action; undefined where it is none. */
export const stageOf = (action: ActionName): StageName | undefined => STAGES.find((stage) => stage === action);

/** What the page of a stage says: what it brings about, in a line without an end, and what one should know of it. */
interface Words {
  readonly brings: string;
  readonly detail: string;
}

/** The words of each stage's page. */
export const STAGE_PAGES: Readonly<Record<StageName, Readonly<Record<Language, Words>>>> = {
  preflight: {
    english: {
      brings: 'Hosts that meet the requirements',
      detail: 'It changes nothing. Every finding of every host is told at once, with what to do about it.',
    },
    chinese: { brings: '主机满足要求', detail: '不做任何更改。所有主机的全部问题一次报告，并附处理办法。' },
  },
  'swarm-init': {
    english: {
      brings: 'A swarm with its first manager',
      detail:
        'A swarm that a manager of the cluster file is already in is kept. Two swarms, or a worker of an unknown one, are refused.',
    },
    chinese: {
      brings: '建立 swarm 及其第一个 manager',
      detail:
        '若集群文件中的某个 manager 已在 swarm 中，则沿用该 swarm。存在两个 swarm，或有主机是未知 swarm 的 worker 时，拒绝执行。',
    },
  },
  'swarm-join': {
    english: {
      brings: 'All hosts in the swarm, in their role and Ready',
      detail:
        'The join token is read from a manager when a host needs it, or taken from the sealed artifact of `swarm-init`, and goes to that host by standard input. Tokens that were handed over are rotated once every host has joined; a label of the manager’s node keeps that in mind for the next run, should this one be cut.',
    },
    chinese: {
      brings: '所有主机以其角色加入 swarm 并处于 Ready',
      detail:
        '需要时从 manager 读取加入令牌，或取自 `swarm-init` 的封装工件，并经标准输入送到该主机。所有主机加入后，移交过的令牌会被轮换；若运行中断，manager 节点上的标签会让下一次运行完成轮换。',
    },
  },
  'network-create': {
    english: {
      brings: 'The attachable overlay network, carrying data between each pair of hosts',
      detail:
        'Each pair of hosts is tried with packets of full size. With `repair: true` a network of the right name and the wrong type is removed first.',
    },
    chinese: {
      brings: '可附加的 overlay 网络，任意两台主机之间均可传输数据',
      detail: '以最大尺寸的数据包测试每一对主机。`repair: true` 时，会先移除名称正确但类型错误的网络。',
    },
  },
  'mysql-up': {
    english: {
      brings: 'The database, reached from a container on every replica’s host',
      detail: 'MySQL with a volume where the cluster file says so, or else your own server, which is only looked at.',
    },
    chinese: {
      brings: '数据库可用，且可从每台副本主机的容器内访问',
      detail: '按集群文件启动带数据卷的 MySQL；使用自有数据库时仅检查，不更改。',
    },
  },
  'kuscia-init': {
    english: {
      brings: 'One Kuscia configuration, the same bytes on every replica’s host',
      detail:
        'It is made once, by the image itself, and never again where any host or the database knows the domain. It stays on the hosts, in files of mode 0600.',
    },
    chinese: {
      brings: '一份 Kuscia 配置，在每台副本主机上逐字节相同',
      detail:
        '由镜像自身生成一次；只要任一主机或数据库已有该节点（domain），就不再生成。配置只保存在各主机上，文件权限为 0600。',
    },
  },
  'kuscia-start': {
    english: {
      brings: 'The replicas, one after the other, each proven before the next',
      detail:
        'A replica works when its own process has registered in the database and answers under its own name. Before a replica is stopped, the tasks that run on it are waited for (`task-wait`).',
    },
    chinese: {
      brings: '逐个启动副本，前一个验证通过后才启动下一个',
      detail:
        '副本自身的进程已在数据库中注册，并以自己的名称应答，才算正常。停止副本之前，会等待其上的任务结束（`task-wait`）。',
    },
  },
  'nginx-lb': {
    english: {
      brings: 'nginx in front of the replicas, leading to each of them',
      detail: 'A changed configuration is tried beside the running one, and loaded without dropping a request.',
    },
    chinese: {
      brings: '副本之前的 nginx 负载均衡，通向每个副本',
      detail: '更改后的配置先行测试，再平滑加载，不丢失请求。',
    },
  },
  verify: {
    english: {
      brings: 'The deployment proven: every replica against every check',
      detail: 'It changes nothing, and fails when anything is not as described.',
    },
    chinese: { brings: '验证部署：每个副本的每项检查', detail: '不做任何更改；与描述不符即失败。' },
  },
};

/** The words of an action's page. */
export function wordsOf(name: ActionName, language: Language): Words {
  const stage = stageOf(name);
  if (stage) return STAGE_PAGES[stage][language];
  const { brings, detail } = operatedBy(name)?.action ?? {};
  return { brings: brings?.[language] ?? '', detail: detail?.[language] ?? '' };
}
