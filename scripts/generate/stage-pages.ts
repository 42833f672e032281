import { STAGES, type StageName } from '../../src/stages/names.ts';
import type { Language } from './table.ts';

/** The actions: one a stage, and what the jobs of a workflow need around them. */
export const ACTIONS = [...STAGES, 'check', 'plan', 'look', 'unlock'] as const;
export type ActionName = (typeof ACTIONS)[number];

/** The stage of an action; undefined where it is none. */
export const stageOf = (action: ActionName): StageName | undefined => STAGES.find((stage) => stage === action);

/** What the page of a stage says: what it brings about, in a line without an end, and what one should know of it. */
interface Words {
  readonly brings: string;
  readonly detail: string;
}

/** The words of each action's page. */
export const ACTION_PAGES: Readonly<Record<ActionName, Readonly<Record<Language, Words>>>> = {
  preflight: {
    english: {
      brings: 'Hosts that meet the requirements',
      detail: 'Changes nothing. Reports every finding of every host at once, with what to do about it.',
    },
    chinese: { brings: '主机满足要求', detail: '不做任何更改。一次报告所有主机的全部问题，并附处理办法。' },
  },
  'swarm-init': {
    english: {
      brings: 'A swarm with its first manager',
      detail:
        'If a manager of the cluster file is already in a swarm, that swarm is kept. Two different swarms, or a host that is a worker of an unknown swarm, are refused.',
    },
    chinese: {
      brings: '建立 swarm 及其第一个 manager',
      detail:
        '如果集群文件中的某个 manager 已在某个 swarm 中，则沿用该 swarm。存在两个不同的 swarm，或有主机是未知 swarm 的 worker 时，拒绝执行。',
    },
  },
  'swarm-join': {
    english: {
      brings: 'All hosts in the swarm, in their roles and Ready',
      detail:
        'The join token is read from a manager when a host needs it, or taken from the sealed artifact of `swarm-init`, and reaches that host by standard input. Tokens that were handed over are rotated once every host has joined; if the run is interrupted before that, a label on the manager’s node makes the next run rotate them.',
    },
    chinese: {
      brings: '所有主机以其角色加入 swarm 并处于 Ready',
      detail:
        '加入令牌在需要时从 manager 读取，或取自 `swarm-init` 的加密工件，并经标准输入传给该主机。所有主机加入后，移交过的令牌会被轮换；如果运行在此之前中断，下一次运行会根据 manager 的 swarm 节点上的标签完成轮换。',
    },
  },
  'network-create': {
    english: {
      brings: 'The attachable overlay network, carrying data between each pair of hosts',
      detail:
        'Tests each pair of hosts with full-size packets. With `repair: true`, a network of the right name but the wrong type is removed first.',
    },
    chinese: {
      brings: '可附加的 overlay 网络，任意两台主机之间均可传输数据',
      detail: '用最大尺寸的数据包测试每一对主机。设置 `repair: true` 时，会先移除名称正确但类型错误的网络。',
    },
  },
  'mysql-up': {
    english: {
      brings: 'The database, reachable from a container on every replica’s host',
      detail: 'Runs MySQL with a volume as the cluster file says. An external server is only checked, never changed.',
    },
    chinese: {
      brings: '数据库可用，且可从每台副本主机的容器内访问',
      detail: '按集群文件启动带数据卷的 MySQL；外部数据库只检查，不更改。',
    },
  },
  'kuscia-init': {
    english: {
      brings: 'One Kuscia configuration, identical byte for byte on every replica’s host',
      detail:
        'The image itself generates it once. It is never generated again if any host or the database has a record of the domain. It is kept on the hosts in files of mode 0600.',
    },
    chinese: {
      brings: '一份 Kuscia 配置，在每台副本主机上逐字节相同',
      detail:
        '由镜像自身生成一次；只要任一主机或数据库已有该节点（domain）的记录，就不再生成。配置保存在各主机上，文件权限为 0600。',
    },
  },
  'kuscia-start': {
    english: {
      brings: 'The replicas, one after the other, each proven before the next',
      detail:
        'A replica works when its own process has registered in the database and answers under its own name. Before stopping a replica, the stage waits for the tasks running on it (`task-wait`).',
    },
    chinese: {
      brings: '逐个启动副本，前一个验证通过后才启动下一个',
      detail:
        '副本自身的进程已在数据库中注册，并以自己的名称应答，才算可用。停止副本之前，会等待其上的任务结束（`task-wait`）。',
    },
  },
  'nginx-lb': {
    english: {
      brings: 'nginx in front of the replicas, forwarding to each of them',
      detail: 'A changed configuration is tested beside the running one, then loaded without dropping a request.',
    },
    chinese: {
      brings: '副本前的 nginx 负载均衡，将请求转发到每个副本',
      detail: '更改后的配置先经测试，再平滑加载，不丢失请求。',
    },
  },
  verify: {
    english: {
      brings: 'The deployment verified: every replica against every check',
      detail: 'Changes nothing. Fails if anything is not as described.',
    },
    chinese: { brings: '验证部署：每个副本的每项检查', detail: '不做任何更改；有任何一项与描述不符即失败。' },
  },
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
