/**
 * What each key of the cluster file means, in Chinese; `*` stands for the name of a host. A test holds it to the
 * schema.
 */
export const CHINESE: Readonly<Record<string, string>> = {
  domain:
    'Kuscia 节点（domain，即参与方）的 id，例如 `alice`。最多 20 个字符，因为它是每个副本主机名的一部分，而该主机名会被截断为 63 个字符。',
  image: 'Kuscia 镜像，须带 `latest` 以外的标签，或带摘要，以确保所有副本运行同一版本。',
  hosts: '各主机，以名称为键。名称会出现在计划与报告中，不必与系统主机名相同。',
  'hosts.*.address':
    '运行器与其他主机访问该主机所用的 IPv4 地址或 DNS 名称；manager 必须使用 IPv4 地址，因为 Docker 只能通告 IP 地址。',
  'hosts.*.roles':
    '主机的用途。`manager`：管理 swarm（1、3 或 5 台）。`worker`：仅加入 swarm。' +
    '`database`：运行 MySQL（一台；使用外部数据库时不设）。`replica`：运行一个 Kuscia 副本（通常两台）。' +
    '`load-balancer`：运行 nginx（一台）。一台主机可有多个角色；非 manager 的主机都是 swarm worker。',
  'hosts.*.user': '该主机的登录账号，会成为 Kuscia 容器名的一部分。',
  'hosts.*.port': '该主机的 SSH 端口。',
  'hosts.*.bastion': '访问该主机所经的跳板机，或 `none`。',
  'hosts.*.bastion.address': '运行器访问跳板机所用的地址。',
  'hosts.*.bastion.user': '跳板机的登录账号。',
  'hosts.*.bastion.port': '跳板机的 SSH 端口。22 为 SSH 的标准端口。',
  'hosts.*.sudo': '是否由 sudo 为每条命令赋予 docker 组，用于不在该组中的登录账号。',
  'hosts.*.via':
    '`local` 表示不经 SSH，直接在运行 kuscia-swarm 的机器上执行命令：用于该主机上的自托管运行器。默认 ssh，因为通常由一个运行器访问所有主机。',
  'hosts.*.runner': '该主机上自托管运行器的标签（一个或多个），供工作流使用；仅用于 `via: local` 的主机。',
  ssh: '访问各主机的方式；单台主机可另行设置。',
  'ssh.user': '各主机的登录账号：root，或 docker 组中的账号。默认 root，与教程中的命令行一致。',
  'ssh.port': '各主机的 SSH 端口。22 为 SSH 的标准端口。',
  'ssh.sudo':
    '`true`：由 sudo 为每条命令赋予 docker 组（`sudo -n -g docker /bin/sh`），用于不在该组中的登录账号。' +
    'sudoers 所需的一行见安全页面。默认 false，因为 root 与该组成员不需要 sudo。',
  'ssh.bastion': '访问各主机所经的跳板机，写作 `user@address:port` 或映射。其公钥也必须列于 known hosts。',
  'ssh.bastion.address': '运行器访问跳板机所用的地址。',
  'ssh.bastion.user': '跳板机的登录账号。',
  'ssh.bastion.port': '跳板机的 SSH 端口。22 为 SSH 的标准端口。',
  network: 'overlay 网络 kuscia-exchange-cluster（名称由 kuscia.sh 固定）。',
  'network.subnet':
    'overlay 网络的子网，不得在任何主机上被占用。10.200.0.0/24 是私有地址，且避开了常用网段；教程中的 16.0.0.0/8 是公网地址。',
  'network.allow-public-subnet':
    '允许子网位于 RFC 1918 私有网段之外。默认 false，因为使用公网网段会导致无法访问该网段内真实的主机。',
  'network.mtu':
    'overlay 网络的最大数据包（字节），用于主机之间的网络承载不足 1500 字节的情况：取其承载的字节数减去 VXLAN 的 50 字节。',
  'network.encrypted':
    '是否由 Docker 加密主机之间的流量（IPsec，AES-GCM）。启用时，主机之间须放行 IP 协议 50（ESP），数据包减小 26 字节。',
  'network.probe-image': '在每对主机之间测试网络的探测容器所用镜像；须含 nginx、curl 与 bash。',
  database:
    '各副本共用的数据库：运行在角色为 `database` 的主机上，或为外部数据库。其密码由输入 `database-password` 提供。',
  'database.image': 'MySQL 镜像，8.0.23 或更高版本；使用外部数据库时不需要。默认 mysql:8.0，因为 Kuscia 要求 8.0。',
  'database.port': '数据库在其主机上的端口。3306 为 MySQL 的标准端口，也与教程一致。',
  'database.listen':
    '该端口只在数据库主机的这一个 IPv4 地址上发布：用于主机的 `address` 不在其自身网卡上的情况，例如主机位于 NAT 之后，或使用云上的公网地址。',
  'database.volume': '保存数据的 Docker 卷。教程没有使用卷，删除容器后数据即丢失。',
  'database.name': '数据库名。kine 与教程一致。每个节点（domain）需要独立的数据库。',
  'database.user':
    '数据库用户，只拥有该数据库的权限。不能为 root：root 只能在容器内用其自己的密码登录。默认 kuscia，因为没有其他程序使用该名称。',
  'database.tls':
    '向外部服务器提供密码之前，kuscia-swarm 如何验证其身份：通过 CA，或不验证（`off`）；' +
    '不验证时只回答质询（challenge），任何人都无法从中读出密码。无论如何设置，Kuscia 自身的连接都不使用 TLS。' +
    '默认 off，因为自有网络中的服务器大多没有 CA。',
  'database.tls.ca': '签发服务器证书的 CA 的证书（PEM）。MySQL 会自行生成：数据目录中的 `ca.pem`。',
  'database.external': '由他人运行的 MySQL 服务器。设置此项后，任何主机都不得有 `database` 角色。',
  'database.external.address': '副本容器访问该服务器所用的 IPv4 地址或 DNS 名称。',
  'database.external.port': '其端口。3306 为 MySQL 的标准端口。',
  'database.external.name': '数据库名，必须已存在。kine 与教程一致。',
  'database.external.user': '数据库用户。root 与教程一致。',
  ports: '每个副本在其主机上占用的端口。',
  'ports.gateway': '副本网关的主机端口，合作方只需要此端口（`kuscia.sh -p`）。20000 与教程一致。',
  'ports.internal': '内部网关的主机端口，没有认证，不要对外开放（`kuscia.sh -q`）。20001 与教程一致。',
  'ports.api': 'KusciaAPI HTTP 的主机端口（`kuscia.sh -k`）。20010 与教程一致。',
  'ports.api-grpc': 'KusciaAPI gRPC 的主机端口（`kuscia.sh -g`）。20011 与教程一致。',
  'ports.metrics': '指标的主机端口（`kuscia.sh -x`）。13084 是 kuscia.sh 的默认值，与教程一致。',
  memory: '副本的内存上限，至少 2GiB；单位按 1024 进位，与 `docker run -m` 相同。8GiB 即教程中的 8G。',
  protocol:
    '副本使用的协议：`MTLS`（网关用 TLS；' +
    'KusciaAPI 要求客户端证书和令牌）、`TLS`（同上，但 KusciaAPI 只要求令牌）或 `NOTLS`（明文 HTTP，KusciaAPI 不要求令牌）。' +
    '默认 MTLS，与 Kuscia 未指定协议时的行为一致。',
  'load-balancer': '副本前的 nginx，运行在角色为 `load-balancer` 的主机上。',
  'load-balancer.port': 'nginx 在其主机上监听的端口。8080 与教程一致。',
  'load-balancer.scheme':
    '合作方访问负载均衡所用的协议。使用 `https` 时，须提供输入 `load-balancer-certificate` 与 `load-balancer-key`。http 与教程一致。',
  'load-balancer.image': 'nginx 镜像，1.15.3 或更高版本。1.26 是稳定版本；教程中的 `latest` 会随时变化。',
  registry: '拉取镜像前需要登录的镜像仓库。密码由输入 `registry-password` 提供。',
  'registry.server': '镜像仓库的名称，可带端口。',
  'registry.username': '镜像仓库的登录账号。',
  directory: '每台主机上存放部署文件的目录：绝对路径，或相对于登录账号主目录的路径。副本的数据与日志保存在其中。',
};

/** Defaults that depend on other keys, in Chinese. */
export const CHINESE_DERIVED: Readonly<Record<string, string>> = {
  'the address of the host': '主机的地址',
  'not encrypted; an existing network may be either': '不加密；已存在的网络可加密，也可不加密',
  'the input `runner` of the workflow': '工作流的输入 `runner`',
  none: '无',
  '1450, chosen by Docker': 'Docker 的默认值 1450',
  'the user of `ssh`': '`ssh` 的用户',
  'the image of `load-balancer`': '`load-balancer` 的镜像',
};
