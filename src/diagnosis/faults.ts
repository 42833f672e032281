import type { Code } from '../engine/errors.ts';

/** The component whose log contains a line. */
export type LogSource = 'engine' | 'replica' | 'database' | 'load-balancer';

/** A known fault: its log line, its meaning and its remedy. */
export interface KnownFault {
  readonly line: RegExp;
  readonly speaker: LogSource;
  /** True if it cannot cause failures on other hosts: an engine's own images, ports and disks. */
  readonly ownHost?: true;
  /** True if it can cause failures only on the host named in the line, by name or address. */
  readonly named?: true;
  /** Failures that it can cause; none if it is only documented. */
  readonly explains: readonly Code[];
  readonly cause: string;
  readonly remedy: string;
  /** Set if it has several possible causes: a more specific log line takes precedence. */
  readonly vague?: true;
  /** Cause and remedy for the Chinese page. */
  readonly chinese: readonly [cause: string, remedy: string];
}

const REPLICA: readonly Code[] = [
  'replica-unhealthy',
  'load-balancer-unhealthy',
  'cluster-unhealthy',
  'not-settled',
  'fact-unknown',
];
const DATABASE: readonly Code[] = [
  'database-unreachable',
  'database-login-refused',
  'database-unfit',
  'command-failed',
  'not-settled',
  ...REPLICA,
];
/** Failures that an engine's log can explain; the log also contains much that is transient. */
const ENGINE: readonly Code[] = [
  'command-failed',
  'command-timed-out',
  'engine-unreachable',
  'not-settled',
  'node-not-ready',
  'data-path-cut',
  'image-unavailable',
  'replica-unhealthy',
  'replacement-impossible',
  'replacement-not-undone',
];
const FRONT: readonly Code[] = [
  'load-balancer-unhealthy',
  'load-balancer-configuration',
  'cluster-unhealthy',
  'not-settled',
  'command-failed',
];

const replica = (
  line: RegExp,
  cause: string,
  remedy: string,
  chinese: KnownFault['chinese'],
  explains = REPLICA,
): KnownFault => ({ speaker: 'replica', line, explains, cause, remedy, chinese });
const engine = (line: RegExp, cause: string, remedy: string, chinese: KnownFault['chinese']): KnownFault => ({
  speaker: 'engine',
  line,
  explains: ENGINE,
  cause,
  remedy,
  chinese,
});
/** Messages of an engine about its own images, ports and disks. */
const ownEngine = (...said: Parameters<typeof engine>): KnownFault => ({ ...engine(...said), ownHost: true });
const database = (line: RegExp, cause: string, remedy: string, chinese: KnownFault['chinese']): KnownFault => ({
  speaker: 'database',
  line,
  explains: DATABASE,
  cause,
  remedy,
  chinese,
});
const front = (line: RegExp, cause: string, remedy: string, chinese: KnownFault['chinese']): KnownFault => ({
  speaker: 'load-balancer',
  line,
  explains: FRONT,
  cause,
  remedy,
  chinese,
});

/** Messages of nginx about one replica. */
const named = (...said: Parameters<typeof front>): KnownFault => ({ ...front(...said), named: true });

/**
 * The known faults; if several match, the first one is reported. The lines were printed by Kuscia itself
 * (docs/kuscia.md#failed-starts), by Docker Engine 20.10 to 28, MySQL 8 and nginx, or are quoted in the linked issues.
 */
export const FAULTS: readonly KnownFault[] = [
  replica(
    /bootstrap data already found and encrypted with different token/,
    'the database contains the data of another Kuscia domain, encrypted with a token derived from its domain id',
    'Use a separate database for this domain (`database.name`); a database can serve only one domain.',
    [
      '数据库中是另一个 Kuscia 节点（domain）的数据：其令牌由节点 id 生成',
      '为该节点使用单独的数据库（`database.name`）；一个数据库只服务一个节点。',
    ],
  ),
  replica(
    /Error 1045|Access denied for user/,
    'the database rejects the user or password in the configuration',
    'Set `database-password` to the password of that user in the database, then run again: the configuration is updated on every host.',
    [
      '数据库拒绝配置中的用户或密码',
      '使 `database-password` 与数据库中该用户的密码一致，然后重新运行：各主机的配置会随之更新。',
    ],
  ),
  replica(
    /Error 1049|Unknown database/,
    'the database does not exist; Kuscia creates its table, but not the database',
    'Create it (`CREATE DATABASE …`), or run the stage mysql-up, which creates it if it has the rights.',
    [
      '该名称的数据库不存在：Kuscia 只建表，不建库',
      '创建它（`CREATE DATABASE …`），或执行 mysql-up 阶段（在权限允许时会创建）。',
    ],
  ),
  replica(
    /datastore endpoint.*(connection refused|no route to host|i\/o timeout|network is unreachable|no such host)/,
    'the replica cannot reach the database',
    'Check that the database is running and that this host can reach its port (firewall, address in the cluster file).',
    ['副本无法连到数据库', '检查数据库是否运行、该主机能否访问其端口（防火墙、集群文件中的地址）。'],
  ),
  replica(
    /datastore endpoint.*(context deadline exceeded)/,
    'the database responds too slowly: Kuscia waits 5 s',
    'Check the load of the database; if the server looks up client names, set `skip-name-resolve`.',
    [
      '数据库响应过慢：Kuscia 只等待 5 秒',
      '检查数据库负载；如果服务器反向解析客户端名称，请设置 `skip-name-resolve`。',
    ],
  ),
  replica(
    /Driver Name is '[^']*' Not supported|'datastoreEndpoint' is invalid/,
    'the database address in the configuration has an invalid format',
    'Use a configuration with `datastoreEndpoint` in the format mysql://USER:PASSWORD@tcp(HOST:PORT)/NAME.',
    ['配置中的数据库地址格式无法识别', '配置中的 `datastoreEndpoint` 应为 mysql://用户:密码@tcp(主机:端口)/库名。'],
  ),
  replica(
    /Load kuscia common config failed/,
    'Kuscia cannot read its configuration',
    'Run the stage kuscia-init again: it makes the configuration complete and identical on every host.',
    ['Kuscia 无法读取其配置', '重新执行 kuscia-init 阶段：它会使各主机的配置完整且一致。'],
  ),
  replica(
    /can't parse key/,
    'the domain key in the configuration is not an RSA key',
    'Provide the correct configuration (`kuscia-config`), or restore kuscia.yaml from a host with a working replica.',
    ['配置中的节点私钥不是 RSA 密钥', '提供正确的配置（`kuscia-config`），或从副本正常的主机恢复 kuscia.yaml。'],
  ),
  replica(
    /host IP unknown/,
    'the container has no address on eth0: it is not attached to a network',
    'Remove the container (`docker rm -f`), then run again: it is started on the overlay network.',
    ['容器的 eth0 没有地址：未连接到网络', '删除该容器（`docker rm -f`）后重新运行：会在 overlay 网络上启动。'],
  ),
  replica(
    /Runc must run with privileged mode|unknown runtime:/,
    'the configuration sets a runtime that is not supported with several replicas',
    'Use a configuration with `runtime: runp`.',
    ['配置中的 runtime 在此不可用；多副本只支持 runp', '提供 `runtime: runp` 的配置。'],
  ),
  replica(
    /same name but a different machine id is running/,
    'another machine runs a replica with the same name: two hosts have the same hostname',
    'Change the hostname of one of them (`hostnamectl set-hostname`), restart its Docker Engine, then run again.',
    [
      '另一台机器以相同名称运行副本：两台主机的主机名相同',
      '为其中一台更改主机名（`hostnamectl set-hostname`），重启其 Docker Engine，然后重新运行。',
    ],
  ),
  replica(
    /apply \S*\.yaml err|AlreadyExists.*customresourcedefinitions/,
    'two replicas started for the first time simultaneously on an empty database',
    'Run again: replicas are started one after the other, and this one is restarted.',
    ['两个副本在空数据库上同时首次启动', '重新运行：副本会逐个启动，此副本将重新启动。'],
  ),
  replica(
    /provided PrivateKey doesn't match parent's PublicKey/,
    'the domain key in the configuration was changed after the container was created, and the container was only restarted: its certificates belong to the previous key',
    'Find out which key the partners have. If it is the previous one, restore its kuscia.yaml and `docker restart` the replica; if it is the new one, remove the container (`docker rm -f`) and run again, so that it is recreated.',
    [
      '容器创建之后配置换了另一把节点私钥，而容器只是被重启：其证书仍属于原私钥',
      '先确认合作方信任的是哪把密钥。如果是原密钥，放回含原密钥的 kuscia.yaml 并 `docker restart` 该副本；如果是新密钥，删除该容器（`docker rm -f`）后重新运行，使其重新创建。',
    ],
  ),
  replica(
    /publickey hash mismatch in domainroute|mismatch public key|publickey in source domain .* may be not correct/,
    'the stored certificate of a partner is not the one the partner uses, so its handshakes are rejected; the replicas of this domain are not affected',
    'Ask the partner for its current domain.crt, compare the fingerprint by phone, and add the partner again with it.',
    [
      '此处保存的合作方证书不是合作方正在使用的证书：其握手被拒绝。与本节点（domain）的副本无关',
      '向合作方索取当前的 domain.crt，电话核对指纹，并用它重新添加该合作方。',
    ],
    [],
  ),
  replica(
    /Failed to get domain public key config.*decryption error/,
    'a replica with a different domain key uses the same database',
    'Compare `sha256sum kuscia.yaml` on all hosts, stop the replica that differs, then run the stages kuscia-init and kuscia-start.',
    [
      '有使用另一私钥的副本连接同一数据库',
      '比较各主机上 kuscia.yaml 的 sha256sum，停止不一致的副本，然后执行 kuscia-init 与 kuscia-start 阶段。',
    ],
  ),
  replica(
    /invalid header field value for "Token"/,
    'the token file of the KusciaAPI in the container is damaged (kuscia#664)',
    'Remove the container (`docker rm -f`), then run again: the file is regenerated from the domain key.',
    [
      '容器内 KusciaAPI 的令牌文件已损坏（kuscia#664）',
      '删除该容器（`docker rm -f`）后重新运行：该文件由节点私钥重新生成。',
    ],
  ),
  replica(
    /signal: killed|OOMKilled":true/,
    'the kernel killed it because it ran out of memory',
    'Give the replica more memory (`memory` in the cluster file), or reduce the load on the host.',
    ['内存不足，被内核终止', '为副本分配更多内存（集群文件的 `memory`），或减轻主机负载。'],
  ),
  replica(
    /wait ready failed|k3s ready timeout/,
    "Kuscia's internal k3s did not become ready within 30 s",
    'Check the load of the host and the database; the replica retries by itself.',
    ['Kuscia 内部的 k3s 未能在 30 秒内就绪', '检查主机与数据库的负载；副本会自动重试。'],
  ),

  engine(
    /creating vxlan interface: file exists|vxlan interface.*file exists/,
    'a stale VXLAN interface is left on the host because its engine was killed (moby#47728)',
    'On that host, stop the engine, delete the interfaces listed by `ip -d link show type vxlan` (`ip link delete NAME`) and start the engine, or reboot. Then run again.',
    [
      '主机上残留了先前引擎的 VXLAN 接口（moby#47728）：引擎曾被强制终止',
      '在该主机上停止引擎，删除 `ip -d link show type vxlan` 列出的接口（`ip link delete 名称`），再启动引擎；重启主机亦可。然后重新运行。',
    ],
  ),
  ownEngine(
    /no space left on device/i,
    'a disk is full',
    'Free disk space on that host (`docker system df`, `df -h`), then run again.',
    ['磁盘已满', '在该主机上清理空间（`docker system df`、`df -h`），然后重新运行。'],
  ),
  ownEngine(
    /no matching manifest for|does not match the (detected|specified) .*platform|exec format error/,
    'the image has a different architecture than the host',
    "Use an image that supports the host (`docker manifest inspect IMAGE`), or a host with the image's architecture.",
    ['镜像的架构与主机不同', '使用含有该架构的镜像（`docker manifest inspect 镜像`），或使用与镜像架构一致的主机。'],
  ),
  ownEngine(
    /manifest (for \S+ )?(not found|unknown)|manifest unknown|repository does not exist|name unknown/,
    'the image does not exist in the registry',
    'Correct the name or tag in the cluster file.',
    ['镜像仓库中没有该镜像', '更正集群文件中的名称或标签。'],
  ),
  ownEngine(
    /unauthorized|denied: requested access|no basic auth credentials|incorrect username or password/i,
    'the registry rejects the login',
    'Correct `registry.username` in the cluster file and the input `registry-password`; check that the account may pull the image.',
    ['镜像仓库拒绝登录', '更正集群文件的 `registry.username` 与输入 `registry-password`；确认该账号可拉取镜像。'],
  ),
  ownEngine(
    /server gave HTTP response to HTTPS client|x509: certificate|tls: failed to verify certificate/,
    "the host's engine does not trust the registry",
    'Put its CA certificate in /etc/docker/certs.d/REGISTRY/ on that host, or add it to `insecure-registries` in daemon.json.',
    [
      '主机的引擎不信任该镜像仓库',
      '将其证书放入该主机的 /etc/docker/certs.d/仓库/，或在 daemon.json 的 `insecure-registries` 中列出。',
    ],
  ),
  ownEngine(
    /toomanyrequests/,
    'the pull limit of the registry is reached',
    'Wait, log in (`registry` in the cluster file), or use a mirror.',
    ['镜像仓库暂时不允许更多拉取', '等待，或登录（集群文件的 `registry`），或使用镜像加速服务。'],
  ),
  ownEngine(
    /(Get|Head) "?https?:\/\/\S+".*(connection refused|no route to host|i\/o timeout|no such host|Client\.Timeout|server misbehaving)/,
    'the host cannot reach the registry',
    'Check that the registry is up and that the host can reach it (DNS, firewall, proxy of the engine), then run again.',
    ['主机无法访问镜像仓库', '检查镜像仓库是否运行、主机能否访问（DNS、防火墙、引擎代理），然后重新运行。'],
  ),
  ownEngine(
    /port is already allocated|address already in use/,
    'another program or container uses a port',
    'Find it on that host (`ss -ltnp`, `docker ps`), then stop it or set other `ports` in the cluster file.',
    ['端口已被其他程序或容器占用', '在该主机上查找（`ss -ltnp`、`docker ps`），停止它或在集群文件中改用其他 `ports`。'],
  ),
  ownEngine(
    /Pool overlaps with other one|subnet .*overlap|no available network/,
    'the subnet is already in use',
    'Set another `network.subnet` in the cluster file.',
    ['子网已被使用', '在集群文件中改用其他 `network.subnet`。'],
  ),
  engine(
    /swarm is (encrypted and needs to be unlocked|locked)/i,
    'the swarm is locked: with autolock, managers require the unlock key after a restart',
    'Run `docker swarm unlock` on that manager; `docker swarm unlock-key` on an unlocked manager shows the key. Then run again.',
    [
      'swarm 已锁定：启用了 autolock，manager 重启后需要解锁密钥',
      '在该 manager 上执行 `docker swarm unlock`；密钥可在未锁定的 manager 上用 `docker swarm unlock-key` 查看。然后重新运行。',
    ],
  ),
  ownEngine(
    /live-restore daemon configuration is incompatible with swarm/,
    'live-restore is enabled in the Docker Engine, which is incompatible with swarm mode',
    'Remove `live-restore` from /etc/docker/daemon.json on that host, run `systemctl reload docker`, then run again.',
    [
      'Docker Engine 启用了 live-restore，与 swarm 模式不兼容',
      '从该主机的 /etc/docker/daemon.json 中删除 `live-restore`，执行 `systemctl reload docker`，然后重新运行。',
    ],
  ),
  ownEngine(
    /non-overlapping IPv4 address pool|predefined address pools have been fully subnetted/,
    'Docker has no free address range for another network',
    'Remove unused networks on that host (`docker network prune`), or add ranges (`default-address-pools` in /etc/docker/daemon.json), then run again.',
    [
      '已没有可供新 Docker 网络使用的地址段',
      '删除该主机上未使用的网络（`docker network prune`），或为引擎配置更多地址段（/etc/docker/daemon.json 的 `default-address-pools`），然后重新运行。',
    ],
  ),
  ownEngine(
    /No chain\/target\/match by that name|Chain 'DOCKER\S*' does not exist/,
    "Docker's firewall rules are missing: a reload or flush of the firewall removed them",
    'Restart the Docker Engine on that host (`systemctl restart docker`), which restores them, then run again.',
    [
      'Docker 的防火墙规则缺失：防火墙重新加载或清空时被删除',
      '重启该主机的 Docker Engine（`systemctl restart docker`）以重建规则，然后重新运行。',
    ],
  ),
  engine(
    /does not have a leader|too few managers are online/,
    'the swarm has no leader: most of its managers are unavailable',
    'Restore the managers. Only if they are permanently lost, run `docker swarm init --force-new-cluster` on a remaining one.',
    [
      'swarm 没有 leader：超过半数的 manager 不可用',
      '恢复各 manager。仅在其永久丢失时：在剩余的 manager 上执行 `docker swarm init --force-new-cluster`。',
    ],
  ),
  {
    ...engine(
      /Could not attach to network .*(DeadlineExceeded|deadline exceeded)|context deadline exceeded.*attach/i,
      'the engine could not attach a container to the overlay network in time: it is waiting for a manager, or a stale VXLAN interface blocks it',
      'Check that the host can reach a manager on 2377/tcp and the other hosts on 7946; search the log of its engine for `vxlan`.',
      [
        '引擎未能及时将容器接入 overlay 网络：在等待 manager，或被 VXLAN 接口阻碍',
        '检查该主机能否访问 manager 的 2377/tcp 及其他主机的 7946；在引擎日志中查找 `vxlan`。',
      ],
    ),
    vague: true,
  },
  engine(
    /transport: .*dial tcp \S+:2377.*(refused|timeout|no route)|rpc error: code = Unavailable.*:2377/,
    'the host cannot reach a manager on 2377/tcp',
    'Open 2377/tcp from this host to the managers, then run again.',
    ['主机无法访问 manager 的 2377/tcp', '放行该主机到各 manager 的 2377/tcp，然后重新运行。'],
  ),
  engine(
    /memberlist: .*:7946: (i\/o timeout|.*refused)|Failed to join memberlist/,
    'the hosts cannot reach each other on 7946 (tcp and udp), which the overlay network uses for its control traffic',
    'Open 7946/tcp and 7946/udp between all hosts, then run again.',
    [
      '主机之间的 7946（tcp 与 udp）不通，overlay 网络信息由此传递',
      '放行所有主机之间的 7946/tcp 与 7946/udp，然后重新运行。',
    ],
  ),
  engine(
    /Cannot connect to the Docker daemon|Is the docker daemon running|dial unix \S+: connect: (?:no such file|connection refused)/,
    'the Docker Engine is not running',
    'Start it on that host (`systemctl start docker`); if it stops again, check `journalctl -u docker`.',
    [
      'Docker Engine 未运行',
      '在该主机上启动它（`systemctl start docker`）；如果再次退出，`journalctl -u docker` 会说明原因。',
    ],
  ),
  ownEngine(
    /permission denied while trying to connect to the Docker daemon|docker\.sock: connect: permission denied/,
    'the login is not allowed to access the Docker Engine',
    'Add the account to the group docker (`usermod -aG docker USER`), then run again.',
    ['登录账号无权访问 Docker Engine', '将账号加入 docker 组（`usermod -aG docker 用户`），然后重新运行。'],
  ),

  database(
    /Errcode: 28|No space left|disk is full/i,
    'the disk of the database is full',
    'Free disk space on its host, then run again.',
    ['数据库所在磁盘已满', '在其主机上清理空间，然后重新运行。'],
  ),
  database(
    /Cannot allocate memory|Out of memory/i,
    'the database has too little memory',
    'Give its host more memory, or reduce its load.',
    ['数据库内存不足', '为其主机增加内存或减轻负载。'],
  ),
  database(
    /Invalid MySQL server (downgrade|upgrade)|Unsupported redo log|was created (before|after) MySQL|Data Dictionary initialization failed/i,
    "the database's volume was written by another version of MySQL",
    'Set `database.image` to the previous image; upgrade only along paths that MySQL supports.',
    ['数据库卷由另一版本的 MySQL 写入', '在 `database.image` 中使用原来的镜像；只按 MySQL 允许的方式升级。'],
  ),
  database(
    /corrupt|is marked as crashed/i,
    'the data of the database is corrupted',
    'Restore a backup; do not start another server on the same volume.',
    ['数据库数据已损坏', '恢复备份；不要在同一卷上启动另一服务器。'],
  ),

  front(
    /host not found in upstream/,
    "nginx cannot resolve the name of a replica's host",
    "Use addresses in the cluster file, or make sure that the load balancer's host can resolve the names.",
    ['nginx 无法解析副本主机的名称', '在集群文件中使用地址，或确保负载均衡主机能解析这些名称。'],
  ),
  front(
    /wrong version number|client sent an HTTP request to HTTPS/i,
    'nginx and the replicas use different protocols: one TLS, the other plain HTTP',
    'Check that `protocol` in kuscia.yaml matches the cluster file on every host, then run the stages kuscia-init to nginx-lb.',
    [
      'nginx 与副本的协议不一致：一方为 TLS，另一方为明文 HTTP',
      '确认各主机 kuscia.yaml 的 `protocol` 与集群文件一致；执行 kuscia-init 至 nginx-lb 阶段。',
    ],
  ),
  named(
    /connect\(\) failed .*while connecting to upstream|upstream timed out/,
    'nginx cannot reach a replica',
    "Check that the replica is running and that the load balancer's host can reach its gateway port.",
    ['nginx 无法访问某个副本', '检查该副本是否运行、负载均衡主机能否访问其网关端口。'],
  ),
  front(
    /cannot load certificate|PEM_read|key values mismatch/i,
    'nginx cannot use the certificate or its key',
    'Set `load-balancer-certificate` and `load-balancer-key` to a matching pair.',
    ['nginx 无法使用证书或其私钥', '提供相互匹配的 `load-balancer-certificate` 与 `load-balancer-key`。'],
  ),
];
