import { z } from 'zod';
import { PROTOCOLS, ROLES } from './cluster.ts';
import {
  certificates,
  databaseName,
  databaseUser,
  domainId,
  flag,
  folder,
  image,
  login,
  memory,
  oneOf,
  registryServer,
  runnerLabel,
  section,
  text,
  volumeName,
} from './kinds.ts';
import { address, bastionText, cidr, mtu, ownIpv4, port, sharedAddress } from './kinds-network.ts';

/** Metadata for a default that depends on another key, worded for the reference. */
const depends = (description: string, derived: string) => ({ description, derived });

const bastion = (description: string, derived: string) =>
  z
    .union(
      [
        bastionText(),
        section({
          address: address('bastion.example.org').describe('Address at which the runner reaches the bastion.'),
          user: login().optional().meta(depends('Login on the bastion.', 'the user of `ssh`')),
          port: port().default(22).describe('SSH port of the bastion. 22 is the standard SSH port.'),
        }),
      ],
      { error: 'must be text such as "ops@bastion.example.org:22", or a mapping of address, user, port' },
    )
    .optional()
    .meta(depends(description, derived));

/** Name of a host, as it appears in reports, plans and messages. */
export const HOST_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;

/** One host of the cluster file. */
export const hostSchema = section({
  address: sharedAddress('10.0.0.11').describe(
    'IPv4 address or DNS name at which the runner and the other hosts reach this host. For a manager it must be an IPv4 address, because Docker advertises it to the swarm.',
  ),
  roles: z
    .array(oneOf('role', ROLES), {
      error: (issue) =>
        `${issue.input === undefined ? 'is missing (' : 'must be '}a list of roles such as [replica] (${ROLES.join(', ')})${issue.input === undefined ? ')' : ''}`,
    })
    .min(1, `is empty: give the host at least one role (${ROLES.join(', ')})`)
    .describe(
      'What the host is for. `manager`: manages the swarm (1, 3 or 5 hosts). `worker`: only joins the swarm. `database`: runs MySQL (one host, or none with an external database). `replica`: runs a Kuscia replica (two are usual). `load-balancer`: runs nginx (one host). A host may have several roles; every host without `manager` is a swarm worker.',
    ),
  user: login()
    .optional()
    .meta(depends("Login on this host. It becomes part of the Kuscia container's name.", '`ssh.user`')),
  port: port().optional().meta(depends('SSH port of this host.', '`ssh.port`')),
  bastion: bastion('Bastion (jump host) for this host, or `none`.', '`ssh.bastion`'),
  sudo: flag()
    .optional()
    .meta(
      depends(
        'Whether to run each command with the group docker through sudo, for a login that is not in that group.',
        '`ssh.sudo`',
      ),
    ),
  via: oneOf('connection', ['ssh', 'local'])
    .default('ssh')
    .describe(
      'How the host is reached. `local` runs commands without SSH on the machine where kuscia-swarm runs: for a self-hosted runner on this host. ssh because one runner can usually reach all hosts.',
    ),
  runner: z
    .union([runnerLabel(), z.array(runnerLabel()).min(1, 'is empty: list the labels of the runner, or omit the key')], {
      error: 'must be a label or a list of labels, such as [self-hosted, node-01]',
    })
    .optional()
    .meta(
      depends(
        'Label or labels of the self-hosted runner on this host, used by the workflows. Only for a host with `via: local`.',
        'the input `runner` of the workflow',
      ),
    ),
});

/**
 * The cluster file: its keys, their meanings and their defaults. The reference and the JSON Schema are generated from
 * this.
 */
export const clusterSchema = section({
  domain: domainId().describe(
    "Id of the Kuscia domain (the party), for example `alice`. At most 20 characters, because it is part of each replica's hostname, which is truncated to 63.",
  ),
  image: image('secretflow/kuscia:1.1.0b0').describe(
    'Kuscia image with a tag (not `latest`) or a digest, so that all replicas run the same version.',
  ),
  hosts: z
    .record(z.string().meta({ pattern: HOST_NAME.source }), hostSchema, {
      error: (issue) =>
        issue.input === undefined
          ? 'is missing (the hosts by name)'
          : `${issue.input === null ? 'is empty: ' : ''}must be a mapping of host names to hosts`,
    })
    .describe('The hosts by name. The name is used in plans and reports; it need not be the hostname.'),
  ssh: section({
    user: login()
      .default('root')
      .describe('Login on the hosts: root, or a user in the group docker. root as in the tutorial.'),
    port: port().default(22).describe('SSH port of the hosts. 22 is the standard SSH port.'),
    sudo: flag()
      .default(false)
      .describe(
        '`true` runs each command with the group docker through sudo (`sudo -n -g docker /bin/sh`), for a login that is not in that group. The security page shows the sudoers entry. false because root and members of the group do not need it.',
      ),
    bastion: bastion(
      'Bastion (jump host) for all hosts, as `user@address:port` or a mapping. Its host key must be in the known hosts too.',
      'none',
    ),
  })
    .prefault({})
    .describe('How hosts are reached. A host can override these settings.'),
  network: section({
    subnet: cidr()
      .default('10.200.0.0/24')
      .describe(
        "Subnet of the overlay network. It must be unused on every host. 10.200.0.0/24 is private and outside the commonly used ranges; the tutorial's 16.0.0.0/8 is public address space.",
      ),
    'allow-public-subnet': flag()
      .default(false)
      .describe(
        'Allows a subnet outside the private ranges of RFC 1918. false because the real hosts in that range would become unreachable.',
      ),
    mtu: mtu()
      .optional()
      .meta(
        depends(
          'MTU of the overlay network in bytes. Set it if the MTU between the hosts is below 1500: that value minus 50 for VXLAN.',
          '1450, chosen by Docker',
        ),
      ),
    encrypted: flag()
      .optional()
      .meta(
        depends(
          'Whether Docker encrypts overlay traffic between hosts (IPsec, AES-GCM). IP protocol 50 (ESP) must then be allowed between the hosts, and the payload per packet is 26 bytes smaller.',
          'not encrypted; an existing network may be either',
        ),
      ),
    'probe-image': image('nginx:1.26')
      .optional()
      .meta(
        depends(
          'Image of the probe that tests the network between each pair of hosts; must contain nginx, curl and bash.',
          'the image of `load-balancer`',
        ),
      ),
  })
    .prefault({})
    .describe('The overlay network kuscia-exchange-cluster (kuscia.sh fixes the name).'),
  database: section({
    image: image('mysql:8.0')
      .default('mysql:8.0')
      .describe(
        'MySQL image, 8.0.23 or newer; not used with an external database. mysql:8.0 because Kuscia requires 8.0.',
      ),
    port: port()
      .default(3306)
      .describe('Port of the database on its host. 3306 is the standard MySQL port, as in the tutorial.'),
    listen: ownIpv4()
      .optional()
      .meta(
        depends(
          "The only IPv4 address at which the port is published. Set it if the host's `address` is not on one of its own interfaces, as behind NAT or with a public cloud address.",
          'the address of the host',
        ),
      ),
    volume: volumeName()
      .optional()
      .meta(
        depends(
          'Docker volume for the data. The tutorial has none and loses the data with the container.',
          '`<domain>-mysql`',
        ),
      ),
    name: databaseName()
      .default('kine')
      .describe('Name of the database. kine as in the tutorial. Each domain needs its own.'),
    user: databaseUser()
      .default('kuscia')
      .describe(
        'Database user, with rights on this database only. Not root, which can log in only inside the container, with a separate password. kuscia because nothing else uses it.',
      ),
    tls: z
      .union(
        [
          oneOf('TLS setting', ['off']),
          section({
            ca: certificates().describe(
              "CA certificates (PEM) to verify the server's certificate against. MySQL generates its own: `ca.pem` in its data directory.",
            ),
          }),
        ],
        { error: 'must be "off" or a mapping of ca' },
      )
      .default('off')
      .describe(
        'How kuscia-swarm verifies an external server before sending the password: against a CA, or not at all (`off`). With `off` it only answers challenges, which do not reveal the password. Kuscia itself connects without TLS either way. off because most servers in private networks have no CA.',
      ),
    external: section({
      address: sharedAddress('10.0.0.20').describe(
        'IPv4 address or DNS name at which the replica containers reach the server.',
      ),
      port: port().default(3306).describe('Port of the server. 3306 is the standard MySQL port.'),
      name: databaseName()
        .default('kine')
        .describe('Name of the database, which must already exist. kine as in the tutorial.'),
      user: databaseUser().default('root').describe('Database user. root as in the tutorial.'),
    })
      .optional()
      .describe('A MySQL server not managed by kuscia-swarm. No host may then have the role `database`.'),
  })
    .prefault({})
    .describe(
      'The database shared by the replicas: on the host with the role `database`, or external. Its password is the input `database-password`.',
    ),
  ports: section({
    gateway: port()
      .default(20000)
      .describe("Host port of a replica's gateway, used by peers (`kuscia.sh -p`). 20000 as in the tutorial."),
    internal: port()
      .default(20001)
      .describe(
        'Host port of the internal gateway (`kuscia.sh -q`). It has no authentication: block it from outside. 20001 as in the tutorial.',
      ),
    api: port().default(20010).describe('Host port of KusciaAPI over HTTP (`kuscia.sh -k`). 20010 as in the tutorial.'),
    'api-grpc': port()
      .default(20011)
      .describe('Host port of KusciaAPI over gRPC (`kuscia.sh -g`). 20011 as in the tutorial.'),
    metrics: port()
      .default(13084)
      .describe('Host port of the metrics (`kuscia.sh -x`). 13084 is the default of kuscia.sh, as in the tutorial.'),
  })
    .prefault({})
    .describe('Ports used by each replica on its host.'),
  memory: memory()
    .default('8GiB')
    .describe(
      "Memory limit of a replica, at least 2GiB; units are powers of 1024 as in `docker run -m`. 8GiB is the tutorial's 8G.",
    ),
  protocol: oneOf('protocol', PROTOCOLS)
    .default('MTLS')
    .describe(
      'Protocol of the replicas: `MTLS` (TLS at the gateway; KusciaAPI requires a client certificate and a token), `TLS` (the same, but KusciaAPI requires only the token) or `NOTLS` (plain HTTP; KusciaAPI requires no token). MTLS is the default of Kuscia.',
    ),
  'load-balancer': section({
    port: port().default(8080).describe('Port of nginx on its host. 8080 as in the tutorial.'),
    scheme: oneOf('scheme', ['http', 'https'])
      .default('http')
      .describe(
        'Scheme with which peers connect to the load balancer. `https` requires the inputs `load-balancer-certificate` and `load-balancer-key`. http as in the tutorial.',
      ),
    image: image('nginx:1.26')
      .default('nginx:1.26')
      .describe("nginx image, 1.15.3 or newer. 1.26 is a stable release; the tutorial's `latest` changes over time."),
  })
    .prefault({})
    .describe('nginx in front of the replicas, on the host with the role `load-balancer`.'),
  registry: section({
    server: registryServer().describe('Name and optional port of the registry.'),
    username: text('ci')
      .min(1, 'is empty')
      .regex(/^[^\s:]*$/, 'must not contain spaces or ":"')
      .describe('User name for the registry.'),
  })
    .optional()
    .describe('A registry that requires a login to pull images. The password is the input `registry-password`.'),
  directory: folder()
    .optional()
    .meta(
      depends(
        "Directory on each host for the deployment's files: absolute, or relative to the login's home directory. It also holds the replica's data and logs.",
        '`kuscia-swarm/<domain>`',
      ),
    ),
});

/** The parsed cluster file, with defaults filled in. */
export type ClusterFile = z.output<typeof clusterSchema>;
export type HostEntry = z.output<typeof hostSchema>;
export type BastionEntry = NonNullable<HostEntry['bastion']>;
